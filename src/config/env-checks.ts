/** Where the environment means something else to Patroni than it seems to. No message shows a value. Pure. */
import { BOTH_ETCD } from './dcs.ts'
import type { Environment, EnvironmentTree, Tree } from './env.ts'
import { list } from './env-values.ts'
import { isMapping } from '../text/unknown-shape.ts'
import type { Problem } from './file/problem.ts'

/** `file`: what there is besides the environment. */
export function checkEnvironment(file: Readonly<Tree>, environment: EnvironmentTree, env: Environment): Problem[] {
  const { tree, origins, empty } = environment
  const problems: Problem[] = []
  const section = isMapping(file['etcd3']) ? file['etcd3'] : {}
  const isIn = (key: string): boolean => (section[key] ?? '') !== ''
  for (const [path, variable] of empty) {
    const [name, key = ''] = path.split('.')
    if (name === 'etcd3' && isIn(key))
      problems.push(fault(variable, `is empty, and that goes over ${path} of the file, as Patroni has it: unset it`))
    const isNamed = [file, tree].some(({ namespace }) => (namespace ?? '') !== '')
    if (path === 'etcd3.namespace' && !isIn(key) && !isNamed)
      problems.push(fault(variable, 'is empty, and Patroni takes that for the namespace /: unset it, or set it to /'))
    const isObserved = [file, tree].some(({ etcd3 }) => (etcd3 ?? null) !== null)
    const isOurs = [file['rest'], file['file']].some((own) => (own ?? null) !== null)
    if (name === 'etcd' && isObserved && !isOurs) problems.push(fault(variable, `is empty, and yet ${BOTH_ETCD}`))
  }
  const hosts = origins.get('etcd3.hosts')
  if (hosts !== undefined && isIn('hosts') && list(env[hosts] ?? '') === null)
    problems.push(
      fault(hosts, 'cannot be read by Patroni, which stays with etcd3.hosts of the file: put each address in quotes'),
    )
  // patroni/config.py reads user and password only where another variable has made the section.
  const login = ['username', 'password']
  const isAlone = [...origins.keys()].every((path) => !path.startsWith('etcd3.') || login.includes(path.slice(6)))
  for (const key of login.filter((key) => isAlone && isIn(key))) {
    const variable = origins.get(`etcd3.${key}`)
    const message = `Patroni stays with etcd3.${key} of the file unless another variable of etcd3 is set: keep one of them`
    if (variable !== undefined) problems.push(fault(variable, message))
  }
  return problems
}

function fault(variable: string, message: string): Problem {
  return { file: 'environment', line: null, column: null, path: variable, message }
}
