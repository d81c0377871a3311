/** What real shells make of the scripts that `completion` prints. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runProgram } from '../../../src/cli/program.ts'
import { COMMANDS } from '../../../src/cli/usage/program.ts'
import { TempDir } from '../../support/files/temp.ts'
import { FakeIo } from '../../support/router/fake-io.ts'
import { until } from '../../support/until.ts'

const NAMES = COMMANDS.map(({ name }) => name)

let dir: TempDir
before(() => {
  dir = TempDir.create('completion')
  mkdirSync(join(dir.path, 'files/below'), { recursive: true })
  writeFileSync(join(dir.path, 'files/config.yml'), '')
})
after(() => dir.remove())

async function script(shell: string): Promise<string> {
  const io = new FakeIo()
  assert.equal(await runProgram(['completion', shell], io), 0)
  const path = join(dir.path, `script.${shell}`)
  writeFileSync(path, io.stdout)
  return path
}

/** A shell at a terminal of its own, in a directory with `config.yml` and `below/`. */
class Shell {
  readonly #child: ChildProcess
  readonly #dump: string
  #shown = ''

  private constructor(command: string, env: Readonly<Record<string, string>>) {
    const cwd = join(dir.path, 'files')
    this.#dump = join(dir.path, `${command.split(' ', 1)[0] ?? ''}.dump`)
    const all = { PATH: '/usr/bin:/bin', HOME: dir.path, TERM: 'dumb', DUMP: this.#dump, ...env }
    this.#child = spawn('script', ['-qec', command, '/dev/null'], { cwd, env: all, stdio: 'pipe' })
    this.#child.stdout?.on('data', (data: Buffer) => (this.#shown += data.toString()))
  }

  /** `rc` ends with a prompt of `READY`, binds M-* to all completions and Ctrl-T to dump the line into $DUMP. */
  static async start(command: string, env: Readonly<Record<string, string>> = {}): Promise<Shell> {
    const shell = new Shell(command, env)
    await until('the shell is ready', () => shell.#shown.includes('READY'))
    return shell
  }

  /** Returns what all completions of `line` make of it. */
  async complete(line: string): Promise<readonly string[]> {
    const before = this.#lines().length
    this.#child.stdin?.write(`\x15${line}\x1b*\x14`)
    await until(`the line is dumped: ${this.#shown}`, () => this.#lines().length > before)
    return (this.#lines().at(-1) ?? '').trim().split(/\s+/)
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin?.write('\x15exit\n')
    await ended
  }

  #lines(): readonly string[] {
    return existsSync(this.#dump) ? readFileSync(this.#dump, 'utf8').split('\n').slice(0, -1) : []
  }
}

const BASH = `
PS1=READY
bind 'set enable-bracketed-paste off'
bind '"\\e*": insert-completions'
bind -x '"\\C-t": printf "%s\\n" "$READLINE_LINE" >> "$DUMP"'
`
const ZSH = `
PS1=READY
autoload -Uz compinit
compinit -u
bindkey -e
dump() { print -r -- "$BUFFER" >> "$DUMP" }
zle -N dump
bindkey '^T' dump
zle -C all complete-word _generic
zstyle ':completion:all::::' completer _all_matches _complete
zstyle ':completion:all:*' insert yes
bindkey '^[*' all
`

for (const name of ['bash', 'zsh'] as const)
  describe(`a real ${name}`, () => {
    let shell: Shell
    before(async () => {
      const path = await script(name)
      if (name === 'bash') {
        const rc = join(dir.path, 'bashrc')
        writeFileSync(rc, `source ${path}\n${BASH}`)
        shell = await Shell.start(`bash --noprofile --rcfile ${rc} -i`)
      } else {
        const home = dir.mkdir('zsh')
        writeFileSync(join(home, '.zshrc'), `${ZSH}source ${path}\n`)
        shell = await Shell.start('zsh -d -i', { ZDOTDIR: home })
      }
    })
    after(() => shell.end())

    const cases: readonly (readonly [line: string, completed: readonly string[]])[] = [
      ['patroni-router ', [...NAMES, 'help']],
      ['patroni-router che', ['check']],
      ['patroni-router help sta', ['status']],
      ['patroni-router track ', ['local-leader', 'primary', 'replicas']],
      ['patroni-router track --socket /nowhere r', ['replicas']],
      ['patroni-router completion ', ['bash', 'zsh', 'fish']],
      ['patroni-router status --j', ['--json']],
      ['patroni-router status --watch --js', ['--json']],
      ['patroni-router status --watch 5 --js', ['--json']],
      ['patroni-router render --no', ['--no-commands']],
      ['patroni-router run -c con', ['config.yml']],
      ['patroni-router run --config=con', ['config.yml']],
      ['patroni-router status --socket con', ['config.yml']],
      ['patroni-router render --output ', ['below']],
      ['patroni-router track --member con', ['con']],
    ]
    for (const [line, completed] of cases)
      test(`completes: ${line}`, async () => {
        const words = await shell.complete(line)
        const typed = line.slice(0, line.lastIndexOf(line.includes('=') ? '=' : ' ') + 1)
        const rest = words.join(' ').slice(typed.length).replace(/\/$/, '').split(' ')
        assert.equal(words.join(' ').slice(0, typed.length), typed)
        assert.deepEqual(rest.toSorted(), completed.toSorted())
      })

    for (const { name: command, options } of COMMANDS)
      test(`completes every option of ${command}`, async () => {
        const words = await shell.complete(`patroni-router ${command} --`)
        const found = words.slice(2).map((word) => word.replace(/=$/, ''))
        assert.deepEqual(found.toSorted(), [...options.map(({ long }) => `--${long}`), '--help'].toSorted())
      })
  })

test('a real fish completes commands, conditions, options, files and directories, with what each is for', async () => {
  const path = await script('fish')
  const cwd = join(dir.path, 'files')
  const env = { PATH: '/usr/bin:/bin', HOME: dir.path, TERM: 'dumb' }
  const complete = (line: string): readonly string[] =>
    execFileSync('fish', ['-c', `source ${path}; complete -C '${line}'`], { cwd, env, encoding: 'utf8' })
      .split('\n')
      .slice(0, -1)
  const words = (line: string): readonly string[] => complete(line).map((each) => each.replace(/\t.*/, ''))
  assert.deepEqual(words('patroni-router '), [...NAMES, 'help'].toSorted())
  for (const { name, summary, options } of COMMANDS) {
    assert.deepEqual(complete(`patroni-router ${name.slice(0, -1)}`), [`${name}\t${summary}`])
    assert.deepEqual(
      words(`patroni-router ${name} --`),
      [...options.map(({ long }) => `--${long}`), '--help'].toSorted(),
    )
  }
  assert.deepEqual(words('patroni-router track '), ['local-leader', 'primary', 'replicas'])
  assert.deepEqual(words('patroni-router track primary '), [])
  assert.deepEqual(words('patroni-router completion '), ['bash', 'fish', 'zsh'])
  assert.deepEqual(words('patroni-router run -c con'), ['config.yml'])
  assert.deepEqual(words('patroni-router run --config=con'), ['--config=config.yml'])
  assert.deepEqual(words('patroni-router render --output '), ['below/'])
  assert.deepEqual(words('patroni-router track --member con'), [])
  assert.deepEqual(words('patroni-router '), [...NAMES, 'help'].toSorted())
})
