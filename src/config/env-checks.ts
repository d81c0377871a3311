/** Where the environment means something else to Patroni than it seems to. No message shows a value. Pure. */
import { type DcsSection, isThere, kindIn, type PatroniDcs, patroniKinds } from './dcs/kind.ts'
import { type Environment, type EnvironmentTree, merge, type Tree } from './env.ts'
import { list } from './env-values.ts'
import { mappingOf } from '../text/unknown-shape.ts'
import type { Problem } from './file/problem.ts'

/** Returns what is wrong with the environment. `file`: the configuration without it. */
export function checkEnvironment(
  file: Readonly<Tree>,
  environment: EnvironmentTree,
  env: Environment,
  kinds: readonly DcsSection[],
): Problem[] {
  const used = kindIn(merge(file, environment.tree), kinds)
  return patroniKinds(kinds).flatMap(({ name, patroni }) => [
    ...checkEmpty(name, patroni, file, environment),
    ...checkMade(name, patroni, used, file, environment),
    ...checkSection(name, patroni.login, mappingOf(file[name]), environment, env),
  ])
}

function checkEmpty(
  name: string,
  { namespace: usual }: PatroniDcs,
  file: Readonly<Tree>,
  { tree, empty }: EnvironmentTree,
): Problem[] {
  const section = mappingOf(file[name])
  const problems: Problem[] = []
  for (const [path, variable] of empty) {
    const [made, key = ''] = path.split('.')
    const isWritten = made === name && isIn(section, key)
    if (isWritten)
      problems.push(fault(variable, `is empty, and overrides ${path} of the file, as in Patroni: unset it`))
    const isNamed = [file, tree].some(({ namespace }) => (namespace ?? '') !== '')
    // Patroni takes the default of the DCS, if it has one of its own.
    if (path === `${name}.namespace` && usual === undefined && !isWritten && !isNamed)
      problems.push(fault(variable, 'is empty, and Patroni takes that for the namespace /: unset it, or set it to /'))
  }
  return problems
}

/**
 * Finds a section that empty variables alone make, and that Patroni takes before the one that is read. With another
 * client library it may not be installed.
 */
function checkMade(
  name: string,
  { library }: PatroniDcs,
  used: DcsSection | null,
  file: Readonly<Tree>,
  { tree, empty }: EnvironmentTree,
): Problem[] {
  const isFirst = used !== null && used.patroni?.library === library && name < used.name
  if (!isFirst || [file, tree].some((each) => isThere(each, name))) return []
  const message = `is empty, and yet makes a section ${name}, which Patroni uses instead of ${used.name}: unset it`
  return [...empty].flatMap(([path, variable]) => (path.startsWith(`${name}.`) ? fault(variable, message) : []))
}

function checkSection(
  name: string,
  login: readonly string[],
  section: Readonly<Record<string, unknown>>,
  { origins }: EnvironmentTree,
  env: Environment,
): Problem[] {
  const problems: Problem[] = []
  const hosts = origins.get(`${name}.hosts`)
  if (hosts !== undefined && isIn(section, 'hosts') && list(env[hosts] ?? '') === null)
    problems.push(
      fault(hosts, `cannot be read by Patroni, which keeps ${name}.hosts of the file: put each address in quotes`),
    )
  // patroni/config.py reads user and password only where another variable has made the section.
  const others = [...origins.keys()].filter((path) => !login.some((key) => path === `${name}.${key}`))
  const isAlone = others.every((path) => !path.startsWith(`${name}.`))
  for (const key of login.filter((key) => isAlone && isIn(section, key))) {
    const variable = origins.get(`${name}.${key}`)
    const message = `Patroni keeps ${name}.${key} of the file unless another variable of ${name} is set: keep one of them`
    if (variable !== undefined) problems.push(fault(variable, message))
  }
  return problems
}

function isIn(section: Readonly<Record<string, unknown>>, key: string): boolean {
  return (section[key] ?? '') !== ''
}

function fault(variable: string, message: string): Problem {
  return { file: 'environment', line: null, column: null, path: variable, message }
}
