/** What examples/monitoring has: rules that promtool accepts and that fire, and a dashboard, on metrics that there are. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import GithubSlugger from 'github-slugger'
import {
  dashboardQueries,
  EXAMPLE,
  filledIn,
  metricsIn,
  readDashboard,
  readRules,
} from '../../support/monitoring/example.ts'
import { FAMILIES } from '../../support/monitoring/families.ts'
import { ROOT } from '../../support/router/package.ts'

const RULES = readRules()
const DASHBOARD = readDashboard()
const QUERIES = dashboardQueries(DASHBOARD)

/** Runs promtool in the folder of the example. @throws with what it has printed where it fails. */
async function promtool(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('promtool', [...args], { cwd: EXAMPLE })
  return stdout
}

/** The family of a metric: a histogram has three of each. */
function familyOf(metric: string): string {
  return metric.replace(/_(?:bucket|sum|count)$/, '')
}

test('promtool accepts the configuration and the rules', async () => {
  assert.match(await promtool('check', 'config', 'prometheus.yml'), /SUCCESS: 1 rule files found/)
})

test('each alert fires on what it is for, and on nothing else of its tests', async () => {
  await promtool('test', 'rules', 'rules.test.yml')
  const cases = readFileSync(join(EXAMPLE, 'rules.test.yml'), 'utf8')
  for (const { alert } of RULES) assert.match(cases, new RegExp(`^  - name: '?${alert}: .*, not `, 'm'), alert)
})

test('each alert says what has happened and what to do, how urgent it is, and where to read more', () => {
  const operations = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  const slugger = new GithubSlugger()
  const headings = [...operations.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slugger.slug(heading))
  assert.ok(RULES.length >= 20)
  for (const { alert, labels, annotations } of RULES) {
    assert.match(alert, /^PatroniRouter[A-Z]/)
    assert.match(labels['severity'] ?? '', /^(?:critical|warning|info)$/, alert)
    assert.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook_url'], alert)
    const [document = '', anchor = ''] = (annotations['runbook_url'] ?? '').split('#')
    assert.equal(document, 'https://github.com/patroni-router/patroni-router/blob/main/docs/operations.md')
    assert.ok(headings.includes(anchor), `${alert}: #${anchor}`)
  }
})

test('the operations manual has each alert, in the row of its severity', () => {
  const operations = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  for (const severity of ['critical', 'warning', 'info']) {
    const [, names = ''] = new RegExp(`^\\| \`${severity}\`.*? \\| (.*) \\|$`, 'm').exec(operations) ?? []
    const listed = [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => `PatroniRouter${name}`)
    const own = RULES.filter(({ labels }) => labels['severity'] === severity).map(({ alert }) => alert)
    assert.deepEqual(listed.toSorted(), own.toSorted(), severity)
  }
})

test('each metric of the rules and of the dashboard is one that the router exports', () => {
  const all = [...RULES.map(({ alert, expr }) => [alert, expr] as const), ...QUERIES]
  for (const [place, expr] of all) {
    const metrics = metricsIn(expr)
    assert.ok(metrics.length > 0, `${place}: ${expr}`)
    for (const metric of metrics)
      assert.ok(metric === 'up' || FAMILIES.has(metric) || FAMILIES.has(familyOf(metric)), `${place}: ${metric}`)
  }
})

test('the dashboard has what Grafana 10 needs: the variables that it uses, and panels that lie beside each other', () => {
  assert.ok(DASHBOARD.schemaVersion >= 38)
  const variables = DASHBOARD.templating.list.map(({ name }) => name)
  assert.deepEqual(variables, ['datasource', 'cluster', 'instance', 'listener', 'member'])
  for (const [place, expr] of QUERIES) assert.doesNotThrow(() => filledIn(expr, '1m'), place)
  const { panels } = DASHBOARD
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Map<string, string>()
  for (const { title, gridPos } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.equal(taken.get(`${x} ${y}`), undefined, `${title} lies on another panel`)
        taken.set(`${x} ${y}`, title)
      }
  }
})
