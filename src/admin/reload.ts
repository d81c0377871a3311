/** The commands that load the configuration again, or say what that would change. */
import { now } from '../clock.ts'
import type { Reloadable, ReloadReport } from '../reload.ts'
import { visibleJson } from '../text/terminal.ts'
import type { Command } from './command.ts'
import { previewText, reloadText, type ReloadText } from './reload-text.ts'
import { reloadJson } from './status/json.ts'

/**
 * Returns `reload` and `show reload`. As text `reload` answers as HAProxy's master does (management guide, 9.4): the first
 * line is `Success=1` or `Success=0`, then `--`. A client that leaves ends no reload.
 */
export function reloadCommands(router: Reloadable): readonly Command[] {
  return [
    {
      words: ['reload'],
      parameters: '',
      help: 'load the configuration again and apply what has changed',
      run: async () => {
        const report = await router.reload()
        const success = report.outcome === 'refused' ? 0 : 1
        return `Success=${success}\n--\n${textOf(reloadText(report))}`
      },
    },
    {
      words: ['reload', 'json'],
      parameters: '',
      help: 'do the same, and answer in one line of JSON',
      run: async () => jsonOf(await router.reload()),
    },
    {
      words: ['show', 'reload'],
      parameters: '',
      help: 'show what a reload would change, and how many sessions it would end',
      run: async () => textOf(previewText(await router.preview())),
    },
    {
      words: ['show', 'reload', 'json'],
      parameters: '',
      help: 'show the same as JSON, in one line',
      run: async () => jsonOf(await router.preview()),
    },
  ]
}

function textOf({ out, err }: ReloadText): string {
  return [...err, ...out].join('\n')
}

function jsonOf(report: ReloadReport): string {
  return visibleJson(reloadJson({ ...report, at: now() }))
}
