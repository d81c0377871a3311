/** A router that renders from a real etcd, and reports when its reload begins. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GroupJson } from '../../src/admin/status/schema.ts'
import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { type LogLine, RouterProcess } from '../../test/support/router/process.ts'
import { TempDir } from '../../test/support/files/temp.ts'

/** The cheapest command that prints the time; seconds with microseconds. */
export const PRINT_TIME: readonly string[] = ['/bin/bash', '-c', 'echo $EPOCHREALTIME']

export interface TemplateOptions {
  readonly text: string
  /** Besides source, destination and reload. */
  readonly more?: Readonly<Record<string, unknown>>
}

export class TemplateTestbed implements AsyncDisposable {
  readonly etcd: EtcdCluster
  readonly dir: TempDir
  readonly #stack: AsyncDisposableStack

  private constructor(stack: AsyncDisposableStack, etcd: EtcdCluster, dir: TempDir) {
    this.#stack = stack
    this.etcd = etcd
    this.dir = dir
  }

  static async start(): Promise<TemplateTestbed> {
    await using stack = new AsyncDisposableStack()
    const etcd = stack.use(await EtcdCluster.start())
    const dir = stack.use(TempDir.create('bench-templates'))
    return new TemplateTestbed(stack.move(), etcd, dir)
  }

  /** Starts a router that ends with the testbed. */
  async router(templates: Readonly<Record<string, TemplateOptions>>): Promise<RouterProcess> {
    mkdirSync(join(this.dir.path, 'etc'), { recursive: true })
    const configured = Object.entries(templates).map(([name, { text, more = {} }]) => {
      const source = join(this.dir.path, `${name}.hbs`)
      writeFileSync(source, text)
      return { source, destination: this.destination(name), reload: PRINT_TIME, ...more }
    })
    const config = {
      scope: 'demo',
      namespace: '/service/',
      etcd3: { hosts: this.etcd.hosts },
      state_dir: join(this.dir.path, 'state'),
      templates: configured,
    }
    return this.#stack.use(await RouterProcess.start({ config }))
  }

  use<T extends AsyncDisposable>(part: T): T {
    return this.#stack.use(part)
  }

  destination(name: string): string {
    return join(this.dir.path, 'etc', name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

/** Returns the groups as the router shows them, by name: the destinations. */
export async function groupsOf(router: RouterProcess): Promise<ReadonlyMap<string, GroupJson>> {
  const { templates } = await router.status()
  return new Map(templates?.groups.map((group) => [group.name, group]))
}

/** Returns when the reloads that were logged from line `from` on began; milliseconds since the epoch. */
export function reloads(router: RouterProcess, from = 0): readonly { readonly at: number; readonly group: unknown }[] {
  return router.log.slice(from).flatMap((line: LogLine) => {
    const { event, output, group } = line
    return event === 'reloaded' && typeof output === 'string' ? [{ at: Number(output) * 1000, group }] : []
  })
}
