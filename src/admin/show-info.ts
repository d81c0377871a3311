import type { RouterStatus } from './status.ts'
import { visible } from '../text/terminal.ts'

/**
 * Returns the answer to `show info` in HAProxy's form and order (management guide, 9.3). Fields that tools need and a router does
 * not have (hatop ends when one is missing) are 0, or `-` where they are text.
 */
export function renderInfo(status: RouterStatus): string {
  const proxies = status.clusters.flatMap(({ proxy }) => proxy ?? [])
  const listeners = proxies.flatMap((proxy) => proxy.listeners)
  const held = sum(proxies.map((proxy) => proxy.held.connections))
  const current = sum(listeners.map(({ sessions }) => sessions)) + held
  const uptime = Math.max(0, Math.floor((status.now - status.startedAt) / 1000))
  const fields: readonly (readonly [key: string, value: string | number])[] = [
    ['Name', 'patroni-router'],
    ['Version', status.version],
    ['Release_date', '-'],
    ['Nbthread', 1],
    ['Nbproc', 1],
    ['Process_num', 1],
    ['Pid', status.pid],
    ['Uptime', formatUptime(uptime)],
    ['Uptime_sec', uptime],
    ['Maxconn', status.maxConnections],
    ['Hard_maxconn', status.maxConnections],
    ['CurrConns', current],
    ['CumConns', sum(proxies.map(({ totals }) => totals.accepted))],
    ['Maxpipes', 0],
    ['PipesUsed', 0],
    ['PipesFree', 0],
    ['Tasks', current],
    ['Run_queue', 0],
    ['node', status.node === '' ? '-' : status.node],
    ['Listeners', listeners.length],
    ['Start_time_sec', Math.floor(status.startedAt / 1000)],
  ]
  return fields.map(([key, value]) => `${key}: ${visible(String(value))}\n`).join('')
}

/** Returns `0d 0h00m05s`. */
function formatUptime(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor((seconds % 86_400) / 3600)]
  return `${days}d ${hours}h${two((seconds % 3600) / 60)}m${two(seconds % 60)}s`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
