import { join } from 'node:path'
import { TempDir } from '../files/temp.ts'
import { until } from '../until.ts'
import { Child } from './child.ts'

/** Node has no Unix datagrams. What comes with a message, such as the end of a barrier's pipe, is closed by the kernel, as it is not asked for. */
const RECEIVER = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print(json.dumps("bound"), flush=True)
while True:
    print(json.dumps(receiver.recv(65536).decode()), flush=True)
`

/** The socket that systemd would have for its services: `NOTIFY_SOCKET`. */
export class NotifySocket implements AsyncDisposable {
  readonly path: string
  /** The messages so far, each as its assignments. */
  readonly messages: (readonly string[])[] = []
  readonly #dir: TempDir
  #isBound = false

  private constructor(dir: TempDir) {
    this.#dir = dir
    this.path = join(dir.path, 'notify')
  }

  static async bind(): Promise<NotifySocket> {
    const dir = TempDir.create('notify')
    const socket = new NotifySocket(dir)
    const onLine = (line: string): void => socket.#read(line)
    const options = { cwd: dir.path, logFile: join(dir.path, 'receiver.log'), onLine }
    const child = await Child.start('/usr/bin/python3', ['-c', RECEIVER, socket.path], options)
    await child.until('the socket is bound', () => socket.#isBound)
    return socket
  }

  /** All assignments so far, in their order. */
  get assignments(): readonly string[] {
    return this.messages.flat()
  }

  /** Waits until an assignment is there; looks from message number `from` on. Returns the number of its message. */
  async received(assignment: string | RegExp, from = 0): Promise<number> {
    const fits = (each: string): boolean =>
      typeof assignment === 'string' ? each === assignment : assignment.test(each)
    const found = (): number => this.messages.findIndex((message, at) => at >= from && message.some(fits))
    await until(`${String(assignment)} is received after ${JSON.stringify(this.messages)}`, () => found() >= 0)
    return found()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir.remove()
  }

  #read(line: string): void {
    const text = JSON.parse(line) as string
    if (!this.#isBound) this.#isBound = true
    // Of a barrier: systemd closes its descriptor and does nothing else.
    else if (text !== 'BARRIER=1') this.messages.push(text.split('\n'))
  }
}
