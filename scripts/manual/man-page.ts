/** Man pages out of Markdown. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import remarkGfm from 'remark-gfm'
import remarkMan from 'remark-man'
import remarkParse from 'remark-parse'
import { unified } from 'unified'
import { parseChangelog } from '../changelog.ts'
import { ROOT } from '../generated.ts'
import { configurationPage } from './configuration-page.ts'
import { routerPage } from './router-page.ts'

export interface ManPage {
  /** `NAME.SECTION` */
  readonly file: string
  readonly markdown: string
}

/** Returns every page that the package installs. */
export function manPages(): readonly ManPage[] {
  return [
    { file: 'patroni-router.8', markdown: routerPage() },
    { file: 'patroni-router.yml.5', markdown: configurationPage() },
  ]
}

/**
 * Returns a page for `man`. Its options can be copied: a hyphen of Markdown is that of the keyboard, no word is
 * hyphenated, and addresses are broken at slashes only. A list item with a line break becomes a term with a text below
 * it, for which Markdown has no other form.
 */
export function toMan(markdown: string): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const [newest] = parseChangelog(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')).versions
  const settings = { version: `patroni-router ${version}`, manual: 'patroni-router', date: newest?.date ?? new Date() }
  const page = unified().use(remarkParse).use(remarkGfm).use(remarkMan, settings).processSync(markdown)
  return String(page)
    .replace(/^\.TH .*\n/, '$&.nh\n.ad l\n')
    .replace(/^\.IP \\\(bu 4\n(.+)\n\.br\n/gm, '.TP 8\n$1\n')
    .replace(/^[^.].*/gm, (line) => line.replaceAll('-', '\\-'))
    .replace(/(?<=https:\S*\w)\//g, '\\:/')
}
