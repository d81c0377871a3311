/** `show track`: whether a condition of a cluster is true, in an answer that a script can read by its first character. */
import { CONDITIONS, type Condition, type ConditionName } from '../config/conditions.ts'
import { judge } from '../watcher/condition.ts'
import type { Command } from './command.ts'
import type { ClusterStatus, RouterStatus } from './status.ts'
import { visible } from '../text/terminal.ts'

/** First character of an answer: the condition is true, is false, is unknown, or the command is invalid. */
export const ANSWER = { yes: '1', no: '0', unknown: '?', refused: '!' } as const

/** Returns the command `show track`. `status` is called each time. */
export function trackCommand(status: () => RouterStatus): Command {
  return {
    words: ['show', 'track'],
    parameters: `<${CONDITIONS.join('|')}> [member <name>] [cluster <name>]`,
    help: 'check a condition: 1 (true), 0 (false) or ? (unknown)',
    run: (args) => visible(answerTo(args, status())),
  }
}

function answerTo([what, ...rest]: readonly string[], { clusters, stopping }: RouterStatus): string {
  const name = CONDITIONS.find((condition) => condition === what)
  if (name === undefined) return refused(`expected one of ${CONDITIONS.join(', ')}`)
  const options = optionsOf(rest)
  if (options === null) return refused('only member NAME and cluster NAME may follow the condition')
  const cluster = clusterOf(options.cluster ?? null, clusters)
  if (typeof cluster === 'string') return refused(cluster)
  const condition = conditionOf(name, options.member ?? null, cluster)
  if (typeof condition === 'string') return refused(condition)
  // As in the track files: an address must not stay on a host that accepts no connections.
  if (stopping) return `${ANSWER.no} the router is shutting down`
  const { holds, reason } = judge(condition, cluster.view)
  const known = holds === true ? ANSWER.yes : ANSWER.no
  return `${holds === null ? ANSWER.unknown : known} ${reason}`
}

function refused(why: string): string {
  return `${ANSWER.refused} ${why}`
}

type Options = Partial<Record<'member' | 'cluster', string>>

function optionsOf([key, value, ...rest]: readonly string[]): Options | null {
  if (key === undefined) return {}
  if ((key !== 'member' && key !== 'cluster') || value === undefined) return null
  const others = optionsOf(rest)
  return others === null ? null : { [key]: value, ...others }
}

function clusterOf(name: string | null, clusters: readonly ClusterStatus[]): ClusterStatus | string {
  const names = clusters.map(({ view }) => view.name).join(', ')
  if (name === null && clusters.length > 1) return `there are several clusters: name one of ${names}`
  const found = name === null ? clusters[0] : clusters.find(({ view }) => view.name === name)
  return found ?? `there is no cluster ${name ?? ''}: there is ${names}`
}

function conditionOf(name: ConditionName, member: string | null, cluster: ClusterStatus): Condition | string {
  if (name !== 'local-leader') return member === null ? { name } : `${name} takes no member`
  const asked = member ?? cluster.localMember
  if (asked === null) return "the router's configuration names no member on this host (name): add member NAME"
  return { name, member: asked }
}
