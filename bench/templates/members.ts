import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileTemplate } from '../../src/templates/engine/compile.ts'
import { contextOf } from '../../src/templates/engine/context.ts'
import type { MemberView } from '../../src/watcher/view.ts'
import { memberView, view } from '../../test/unit/watcher/sample.ts'
import { counted } from '../../src/text/wording.ts'
import type { Case } from '../case.ts'
import { inOneRun } from '../run.ts'

const COUNT = 1_000
const RENDERS = 100
const MOST_MS = 50
const SOURCE = join(import.meta.dirname, '../../examples/haproxy/haproxy.cfg.hbs')

/** From a view to the text of the HAProxy example, in this process. */
export const members: Case = {
  name: 'members',
  title: `${counted(COUNT, 'member')}, examples/haproxy`,
  figures: [
    { key: 'render', label: 'first render in a process', unit: 'ms', of: 'first' },
    { key: 'render', label: 'render, median', unit: 'ms', of: 'median', target: { max: MOST_MS } },
    { key: 'render', label: 'render, p99', unit: 'ms', of: 'p99', target: { max: MOST_MS } },
  ],
  measure: inOneRun((record, repeats) => {
    const compiled = compileTemplate('haproxy.cfg.hbs', readFileSync(SOURCE, 'utf8'))
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems))
    const names = Array.from({ length: COUNT }, (_, index) => `pg${String(index).padStart(4, '0')}`)
    const all = names.map((name): MemberView => memberView(name, true))
    const answers = { answerTo: () => null }
    for (let render = 0; render < (repeats ?? RENDERS); render++) {
      const began = performance.now()
      const context = contextOf(view({ members: all }))
      const result = compiled.template.render({ context, keys: null, env: {}, answers })
      record.add('render', performance.now() - began)
      if (result.kind !== 'text' || result.text.match(/^\tserver pg/gm)?.length !== 2 * COUNT)
        throw new Error(`not rendered: ${result.kind}`)
    }
    return Promise.resolve()
  }),
}
