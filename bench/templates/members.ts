import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileTemplate } from '../../src/templates/engine/compile.ts'
import { contextOf } from '../../src/templates/engine/context.ts'
import type { MemberView } from '../../src/watcher/view.ts'
import { memberView, view } from '../../test/unit/watcher/sample.ts'
import { type Case, percentile } from '../figures.ts'

const COUNT = 1_000
const SOURCE = join(import.meta.dirname, '../../examples/haproxy/haproxy.cfg.hbs')

/** From a view to the text of the HAProxy example, in this process. */
export const members: Case = {
  name: 'members',
  title: `${COUNT} members, examples/haproxy`,
  measure(runs) {
    const compiled = compileTemplate('haproxy.cfg.hbs', readFileSync(SOURCE, 'utf8'))
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems))
    const names = Array.from({ length: COUNT }, (_, index) => `pg${String(index).padStart(4, '0')}`)
    const all = names.map((name): MemberView => memberView(name, true))
    const answers = { answerTo: () => null }
    const times = Array.from({ length: runs ?? 100 }, () => {
      const began = performance.now()
      const context = contextOf(view({ members: all }))
      const result = compiled.template.render({ context, keys: null, env: {}, answers })
      const took = performance.now() - began
      if (result.kind !== 'text' || result.text.match(/^\tserver pg/gm)?.length !== 2 * COUNT)
        throw new Error(`not rendered: ${result.kind}`)
      return took
    })
    const [first = NaN] = times
    return Promise.resolve([
      { label: 'render, the first time in a process', value: first, unit: 'ms', must: null },
      { label: 'render, median', value: percentile(times, 0.5), unit: 'ms', must: { max: 50 } },
      { label: 'render, p99', value: percentile(times, 0.99), unit: 'ms', must: { max: 50 } },
    ])
  },
}
