import { access, stat } from 'node:fs/promises'
import { constants } from 'node:fs'
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { mentions, NO_PROGRAM, placeholdersIn, programIn } from '../../config/templates/command.ts'
import type { CommandConfig, Config, HookConfig, TemplateConfig } from '../../config/config.ts'
import { explain } from '../../errors.ts'
import { checkSource, type CheckedSource, fileOf, ownerCheck } from '../../templates/check.ts'
import { unreadable, unusable, type Findings } from './files.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Compiles every template, and looks for what templates and hooks name and this machine does not have. Writes nothing
 * and runs none of the commands. `files`: those of the configuration.
 */
export async function checkTemplates(config: Config, files: readonly string[], env: Environment): Promise<Findings> {
  const { templates, hooks } = config
  const checkOwner = ownerCheck()
  const sources = await Promise.all(
    templates.map(async (template, index) => {
      const name = asWritten(template.source, config.file)
      return { template, index, name, source: await checkSource(template, name) }
    }),
  )
  const each = await Promise.all([
    ...sources.map(sourceProblems),
    ...templates.map((template, index) => checkDestination(template, index, checkOwner, env)),
    checkLinks(config, files),
    ...commandsOf(templates, hooks).map(({ key, command }) => checkCommand(key, command, env)),
  ])
  const warnings = sources.flatMap(tagWarnings)
  // Of what several name, one report is enough.
  return { problems: [...new Set(each.flat())], warnings: [...new Set(warnings)] }
}

interface NamedSource {
  readonly template: TemplateConfig
  readonly index: number
  /** As it is written in the configuration. */
  readonly name: string
  readonly source: CheckedSource
}

/** Warns of placeholders of envsubst or a shell: the template is valid, and they would be copied as they are. */
function tagWarnings({ name, source }: NamedSource): string[] {
  if (source.kind !== 'text' || source.text.includes('{{')) return []
  const [mark] = /\$\{?[A-Za-z_]\w*\}?|@[A-Z_]+@|%[A-Z_]+%/.exec(source.text) ?? []
  if (mark === undefined) return []
  return [`${name}: there is no {{ }} in this template, and nothing fills in ${mark}: it is written as it is`]
}

async function sourceProblems({
  template: { source: path },
  index,
  name,
  source,
}: NamedSource): Promise<readonly string[]> {
  if (source.kind === 'text') return source.problems
  const [why = source.kind === 'missing' ? 'no such file' : source.reason] = await unreadable(path)
  return [`${name}: ${why}: source of a template (templates.${index}.source)`]
}

/** Returns a source relative to the configuration file, as the user wrote that. */
function asWritten(source: string, configFile: string | null): string {
  const directory = dirname(configFile ?? '.')
  const below = relative(resolve(directory), source)
  return below.startsWith('..') ? source : join(directory, below)
}

async function checkDestination(
  template: TemplateConfig,
  index: number,
  checkOwner: ReturnType<typeof ownerCheck>,
  env: Environment,
): Promise<string[]> {
  const { destination, check } = template
  const problems: string[] = []
  try {
    const path = await fileOf(destination)
    const why = await unusable(dirname(path))
    if (why !== null) problems.push(`${destination}: its directory: ${why}`)
    if (check !== null && mentions(check.command, path, { directory: check.workingDir, home: env['HOME'] ?? null }))
      problems.push(`${destination} is a link to what its check names, which is still the old file then`)
  } catch (error) {
    problems.push(explain(error))
  }
  try {
    await checkOwner(template)
  } catch (error) {
    problems.push(explain(error))
  }
  return problems.map((problem) => `templates.${index}.destination: ${problem}`)
}

/** Finds one file under two names, which the configuration alone does not show. */
async function checkLinks({ templates, track }: Config, files: readonly string[]): Promise<string[]> {
  const realPathsOf = (paths: readonly string[]): Promise<(string | null)[]> => Promise.all(paths.map(realPathOf))
  const sources = await realPathsOf(templates.map(({ source }) => source))
  const destinations = await realPathsOf(templates.map(({ destination }) => destination))
  const configFiles = await realPathsOf(files)
  const read = (path: string): string[] => {
    const source = sources.indexOf(path)
    return [
      ...(source === -1 ? [] : [`the source of templates.${source}`]),
      ...(configFiles.includes(path) ? ['the configuration file'] : []),
    ]
  }
  const ofTemplates = destinations.flatMap((path, index) => {
    if (path === null) return []
    const before = destinations.indexOf(path)
    const what = [...(before < index ? [`the destination of templates.${before}`] : []), ...read(path)]
    return what.map((name) => `templates.${index}.destination: ${templates[index]?.destination} is a link to ${name}`)
  })
  const tracked = await realPathsOf(track.files.map(({ path }) => path))
  const ofTracks = tracked.flatMap((path, index) => {
    if (path === null) return []
    const written = destinations.indexOf(path)
    const what = [...(written === -1 ? [] : [`the destination of templates.${written}`]), ...read(path)]
    return what.map((name) => `track.files.${index}.path: ${track.files[index]?.path} is a link to ${name}`)
  })
  return [...ofTemplates, ...ofTracks]
}

/** Returns the path without links; null: there is no such place, which another check reports. */
async function realPathOf(path: string): Promise<string | null> {
  try {
    return await fileOf(resolve(path))
  } catch {
    // Why is said where its own check is.
    return null
  }
}

interface NamedCommand {
  readonly key: string
  readonly command: CommandConfig
}

function commandsOf(templates: readonly TemplateConfig[], hooks: readonly HookConfig[]): NamedCommand[] {
  const ofTemplates = templates.flatMap(({ check, reload, reloadGroup }, index): NamedCommand[] => [
    ...(check === null ? [] : [{ key: `templates.${index}.check`, command: check }]),
    ...(reload === null
      ? []
      : [{ key: reloadGroup === null ? `templates.${index}.reload` : `reload of ${reloadGroup}`, command: reload }]),
  ])
  // A hook for every cluster is listed once for each, with the same command.
  const commands = [...new Set(hooks.map(({ run }) => run))]
  return [...ofTemplates, ...commands.map((command, index) => ({ key: `hooks.${index}.command`, command }))]
}

/** Checks the program of a list; only a shell can tell which programs a text runs. */
async function checkCommand(
  key: string,
  { command, workingDir, env }: CommandConfig,
  ours: Environment,
): Promise<string[]> {
  if (!(await isDirectory(workingDir))) return [`${key}: its working directory ${workingDir}: no such directory`]
  if (typeof command === 'string') return []
  const [program = ''] = command
  const shown = programIn(command)
  if (shown !== null && placeholdersIn(shown).length > 0) return []
  const path = env['PATH'] ?? ours['PATH'] ?? ''
  const places = program.includes('/') ? [''] : path.split(delimiter).filter((directory) => directory !== '')
  const found = await Promise.all(places.map((directory) => isProgram(resolve(workingDir, directory, program))))
  if (found.includes(true)) return []
  if (shown === null) return [`${key}: ${NO_PROGRAM}`]
  return [`${key}: ${shown}: ${shown.includes('/') ? 'not a program that can be run' : 'no such program in PATH'}`]
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    // Why it cannot be reached does not matter: another place may have it.
    return false
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    // Nothing can be run there, for whatever reason.
    return false
  }
}

/** Describes a template in one line. */
export function describeTemplate(template: TemplateConfig, configFile: string | null, several = false): string {
  const { source, destination, check, reload, reloadGroup, prefix, keys, subject } = template
  return [
    `${asWritten(source, configFile)} -> ${destination}`,
    ...(subject.kind === 'clusters' && subject.clusters.length > 0
      ? [`of ${subject.clusters.join(' and ')}`]
      : several && subject.kind === 'cluster'
        ? [`of ${subject.cluster}`]
        : []),
    ...(keys.length === 0 ? [] : [`keys ${keys.map((key) => `${prefix}${key}`).join(' and ')}`]),
    ...(check === null ? [] : [`check: ${describeCommand(check)}`]),
    ...(reload === null ? [] : [`reload: ${describeCommand(reload)}`]),
    ...(reloadGroup === null ? [] : [`reload group ${reloadGroup}`]),
  ].join(', ')
}

/** Describes a hook in one line. */
export function describeHook({ name, on, run, after }: HookConfig): string {
  return `${name} on ${on.join(', ')}: ${describeCommand(run)}${after === null ? '' : `, after ${after}`}`
}

/** Returns the program alone: its arguments can hold secrets, as can a variable before it. */
function describeCommand({ command }: CommandConfig): string {
  const program = programIn(command)
  if (program === null) return typeof command === 'string' ? 'a shell command' : 'a program'
  const rest = typeof command === 'string' ? program.length < command.trim().length : command.length > 1
  return rest ? `${program} ...` : program
}
