import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { TempDir } from '../files/temp.ts'
import { freePort } from '../net/ports.ts'
import { Child } from '../processes/child.ts'

export type Labels = Readonly<Record<string, string>>

export interface Alert {
  readonly labels: Labels
  readonly annotations: Labels
  readonly state: 'pending' | 'firing'
}

export interface PrometheusOptions {
  /** The text of a file of rules. */
  readonly rules: string
  /** Jobs, and the `HOST:PORT` of each of their targets. */
  readonly jobs: Readonly<Record<string, readonly string[]>>
}

/** Debian's Prometheus, which scrapes and evaluates every second. */
export class Prometheus implements AsyncDisposable {
  readonly #dir: TempDir
  readonly #port: number
  /** When the first samples can be from. Seconds since the epoch. */
  readonly #startedAt = Math.floor(Date.now() / 1000)

  private constructor(dir: TempDir, port: number) {
    this.#dir = dir
    this.#port = port
  }

  /** Starts it and waits until it answers. */
  static async start({ rules, jobs }: PrometheusOptions): Promise<Prometheus> {
    const prometheus = new Prometheus(TempDir.create('prometheus'), await freePort())
    const { path: cwd } = prometheus.#dir
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      scrape_configs: Object.entries(jobs).map(([name, targets]) => ({
        job_name: name,
        static_configs: [{ targets }],
      })),
    }
    writeFileSync(join(cwd, 'prometheus.yml'), stringify(config))
    writeFileSync(join(cwd, 'rules.yml'), rules)
    const listen = `--web.listen-address=127.0.0.1:${prometheus.#port}`
    const args = ['--config.file=prometheus.yml', '--storage.tsdb.path=data', '--log.level=warn', listen]
    try {
      const child = await Child.start('prometheus', args, { cwd, logFile: join(cwd, 'prometheus.log') })
      await child.until('Prometheus is ready', async () => (await prometheus.#fetch('/-/ready')).ok)
    } catch (error) {
      await prometheus[Symbol.asyncDispose]()
      throw error
    }
    return prometheus
  }

  /** Returns the labels of the series that an expression gives now. */
  async query(expr: string): Promise<readonly Labels[]> {
    return this.#series('/api/v1/query', { query: expr })
  }

  /** Returns those that it has given at any second since the start. */
  async queryAll(expr: string): Promise<readonly Labels[]> {
    const [start, end] = [String(this.#startedAt), String(Date.now() / 1000)]
    return this.#series('/api/v1/query_range', { query: expr, start, end, step: '1' })
  }

  /** Returns the alerts that fire now. */
  async firing(): Promise<readonly Alert[]> {
    const { alerts } = (await this.#get('/api/v1/alerts', {})) as { alerts: readonly Alert[] }
    return alerts.filter(({ state }) => state === 'firing')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir.remove()
  }

  async #series(path: string, parameters: Labels): Promise<readonly Labels[]> {
    const { result } = (await this.#get(path, parameters)) as { result: readonly { readonly metric: Labels }[] }
    return result.map(({ metric }) => metric)
  }

  /** @throws with the reason of Prometheus where an expression is wrong. */
  async #get(path: string, parameters: Labels): Promise<unknown> {
    const answer = await this.#fetch(`${path}?${String(new URLSearchParams(parameters))}`)
    const { data, error } = (await answer.json()) as { data?: unknown; error?: string }
    if (!answer.ok) throw new Error(`${parameters['query'] ?? path}: ${error ?? answer.status}`)
    return data
  }

  #fetch(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#port}${path}`, { signal: AbortSignal.timeout(20_000) })
  }
}
