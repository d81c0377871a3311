import assert from 'node:assert/strict'
import { until } from '../until.ts'
import type { Alert, Labels, Prometheus } from './prometheus.ts'

/** An alert, and the labels that it is expected with. */
export type Expected = readonly [alert: string, labels: Labels]

/** Sees alerts fire and resolve, and remembers which it has seen. */
export class AlertWatch {
  /** Alerts that have fired and resolved. */
  readonly shown = new Set<string>()
  readonly #prometheus: Prometheus

  constructor(prometheus: Prometheus) {
    this.#prometheus = prometheus
  }

  /** Makes a fault, waits until each of its alerts fires, ends the fault, and waits until each has resolved. */
  async shows(
    expected: readonly Expected[],
    fault: { readonly begin: () => Promise<unknown>; readonly end: () => Promise<unknown> },
  ): Promise<void> {
    try {
      await fault.begin()
      await this.fires(expected)
    } finally {
      await fault.end()
    }
    await this.resolves(expected)
  }

  async fires(expected: readonly Expected[]): Promise<void> {
    const left = new Set(expected)
    await until(
      `${expected.map(([alert]) => alert).join(', ')} fire`,
      async () => {
        const firing = await this.#prometheus.firing()
        for (const each of left) {
          const alert = firing.find((one) => isOf(one, each))
          if (alert === undefined) continue
          assertReadable(alert)
          left.delete(each)
        }
        if (left.size === 0) return true
        throw new Error(`not ${[...left].map(shown).join(', ')}; what fires: ${firing.map(named).join(', ')}`)
      },
      { everyMs: 200 },
    )
  }

  async resolves(expected: readonly Expected[]): Promise<void> {
    await until(
      `${expected.map(([alert]) => alert).join(', ')} resolve`,
      async () => {
        const firing = await this.#prometheus.firing()
        const left = expected.filter((each) => firing.some((one) => isOf(one, each)))
        if (left.length > 0) throw new Error(`still ${left.map(shown).join(', ')}`)
        return true
      },
      { timeoutMs: 90_000, everyMs: 200 },
    )
    for (const [alert] of expected) this.shown.add(alert)
  }
}

function isOf({ labels }: Alert, [alert, expected]: Expected): boolean {
  return labels['alertname'] === alert && Object.entries(expected).every(([name, value]) => labels[name] === value)
}

/** A template of Prometheus that fails, or a label that is not there, shows in the text. */
function assertReadable({ labels, annotations }: Alert): void {
  for (const text of Object.values(annotations))
    assert.doesNotMatch(text, /<error|<no value>|\{\{| {2}/, `${labels['alertname'] ?? ''}: ${text}`)
}

function shown([alert, labels]: Expected): string {
  return `${alert} ${JSON.stringify(labels)}`
}

function named({ labels }: Alert): string {
  return labels['alertname'] ?? ''
}
