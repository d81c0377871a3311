/** Fields that several parts of the status's schema share. */
import { z } from 'zod'

export const time = (description: string): z.ZodISODateTime =>
  z.iso.datetime({ precision: 3 }).describe(`${description} ISO 8601 in UTC, with milliseconds.`)
export const count = (description: string): z.ZodNumber => z.number().int().nonnegative().describe(description)
export const whole = (description: string): z.ZodNumber => z.number().int().describe(description)
export const text = (description: string): z.ZodString => z.string().describe(description)
export const flag = (description: string): z.ZodBoolean => z.boolean().describe(description)

export const address = z
  .strictObject({ host: text('Name or IP address.'), port: whole('TCP port.') })
  .meta({ id: 'address' })

export const override = z
  .strictObject({
    state: z
      .enum(['drain', 'maint'])
      .describe('`drain`: no new sessions. `maint`: the same, because of work on it. Its sessions stay in both.'),
    by: text('The user that has requested it.'),
    since: time('When it was set.'),
    until: time('When it ends by itself; null: it has to be ended.').nullable(),
  })
  .meta({ id: 'override', description: 'A decision of a person about the member, against what the router finds.' })

export const command = z
  .strictObject({
    ok: flag('It exited with 0 in time.'),
    outcome: text('The result in one line: `exited with 1`.'),
    exitCode: z.number().int().nullable().describe('Exit code; null: it was killed or could not be started.'),
    startedAt: time('When it was started.'),
    durationMs: z.number().nonnegative().describe('Milliseconds.'),
    output: text('Its standard output and standard error, at most the last 4 KiB.'),
  })
  .meta({ id: 'command', description: 'The last run of a command.' })

export const sourceState = z
  .enum(['up', 'lost', 'unread'])
  .describe('`up`: it is being read. `unread`: it has not been read yet. `lost`: it was read, and cannot be read now.')
