import { CONFIG, INVALID } from '../options.ts'
import type { CommandUsage } from '../types.ts'

export const RENDER: CommandUsage = {
  name: 'render',
  summary: 'render the templates once and exit; no running router is needed',
  about: [
    'Does once what the router does at every change: each template is rendered and checked, its file is written and its reload command is run. Standard output has a line for each file (unchanged, written or kept) and for each reload; failures are on standard error.',
    'While a running router writes the same files, only --diff and --output are allowed; SIGHUP makes that router compare all its files.',
  ],
  options: [
    CONFIG,
    {
      long: 'diff',
      conflicts: 'output',
      about: 'show what would change in each file; write and run nothing',
    },
    { long: 'no-commands', about: 'write the files, but run neither checks nor reloads' },
    {
      long: 'output',
      value: { name: 'DIR', kind: 'directory' },
      about: 'write below this directory instead, and run nothing',
    },
  ],
  exits: [
    {
      exit: 'ok',
      when: 'every file is up to date, or was kept for the reason shown, and was reloaded (with --diff: also if files differ)',
    },
    {
      exit: 'failed',
      when: 'a template, a check or a reload failed (the others were completed), the DCS could not be read, or a running router writes the same files',
    },
    { ...INVALID, when: `${INVALID.when}, or there are no templates in it` },
  ],
  examples: [
    { about: 'show the changes', text: 'patroni-router render --diff' },
    { about: 'all files below a directory, to look at', text: 'patroni-router render --output /tmp/rendered' },
    {
      about: 'a complete configuration before the first start',
      text: 'patroni-router render && systemctl start haproxy',
    },
  ],
}
