/**
 * The documented shape of `status --json`, an interface for scripts: it changes with its format only, whatever the parts of the
 * router are called. Published as docs/status.schema.json (`npm run docs`); the router itself uses the types only.
 */
import { z } from 'zod'
import { STATUS_FORMAT } from './json.ts'
import { cluster } from './schema-cluster.ts'
import { command, count, flag, sourceState, text, time, whole } from './schema-fields.ts'

const group = z.strictObject({
  name: text('Name of the reload group, or destination of a template without one.'),
  clusters: z.array(z.string()).describe('Clusters that its templates read.'),
  state: z
    .enum(['waiting', 'in-sync', 'pending', 'kept', 'failed'])
    .describe(
      '`in-sync`: the files are up to date and reloaded. `pending`: a change is being applied. `waiting`: data that the templates need is not known yet. `kept`: the files stay because a list is empty (`on_empty: keep`). `failed`: a template, a check, a write or a reload failed, and is retried.',
    ),
  since: time('When `state` began.'),
  reason: text('Why it is not `in-sync`, in one line; empty where it is.'),
  retryAt: time('When it is retried; null: nothing is due.').nullable(),
  templates: z
    .array(
      z.strictObject({
        source: text('File of the template.'),
        destination: text('File that it is rendered to.'),
        renders: count('Times it was rendered since the start.'),
        writtenAt: time('When the destination was last written; null: not since the start.').nullable(),
        error: text('The present error; null: none.').nullable(),
        checks: count('Times its check was run since the start.'),
        checkFailures: count('Times its check failed since the start.'),
        check: command.nullable(),
        leftOut: z
          .array(z.strictObject({ member: text('Name of the member.'), reason: text('Why it is left out.') }))
          .describe('Members that are left out because a value could be taken for syntax.'),
      }),
    )
    .describe('In the order of the configuration.'),
  reload: z
    .strictObject({
      pending: flag('Due, or failed and to be retried.'),
      runs: count('Times it was run since the start.'),
      failures: count('Times it failed since the start.'),
      last: command.nullable(),
    })
    .nullable()
    .describe('null: it has no reload command.'),
})

const hook = z.strictObject({
  name: text('Name of the hook.'),
  cluster: text('The cluster whose primary it follows.'),
  primaryState: text(
    'The state of the primary that its present, last or next run is about; null: none yet.',
  ).nullable(),
  primaryMember: text('The member that its present, last or next run is about.').nullable(),
  running: flag('It is running now.'),
  runs: count('Times it was run since the start.'),
  failures: count('Times it failed since the start, also because its reload group failed.'),
  last: command.nullable(),
})

const keys = z.strictObject({
  cluster: text('The cluster whose DCS has the keys.'),
  root: text('Prefix of the keys.'),
  state: sourceState,
  count: count('Number of keys.'),
  readAt: time('When they were last read completely; null: never.').nullable(),
  error: text('Why they cannot be read; null: no error.').nullable(),
})

const trackFile = z.strictObject({
  path: text('Path of the file.'),
  cluster: text('The cluster that is tracked.'),
  condition: z.enum(['local-leader', 'primary', 'replicas']).describe('The condition that is tracked.'),
  member: text('The member of `local-leader`; null with other conditions.').nullable(),
  met: z
    .boolean()
    .nullable()
    .describe('true: the file contains 1. false: it contains 0. null: unknown, it contains 0.'),
  reason: text('Why the condition is met or not.'),
  since: time('When `met` became what it is.'),
  error: text('Why the file cannot be written; null: it is up to date.').nullable(),
})

const texts = (description: string): z.ZodArray<z.ZodString> => z.array(z.string()).describe(description)

const reload = z.strictObject({
  at: time('When it ended.'),
  outcome: z
    .enum(['applied', 'unchanged', 'refused'])
    .describe(
      '`applied`: what differed has changed. `unchanged`: nothing that counts differed. `refused`: nothing has changed.',
    ),
  refusedBy: z
    .enum(['configuration', 'router'])
    .nullable()
    .describe(
      '`configuration`: it is wrong. `router`: it cannot be applied, as where an address is in use. null: it was not refused.',
    ),
  file: text('File that was read; null: the environment alone.').nullable(),
  problems: texts('Why it was refused, with file, line, column and key where there are any.'),
  warnings: texts('Warnings about the configuration.'),
  changes: texts('The changes, a line for each key of the configuration.'),
  endingSessions: count('Sessions that end by it, after their `drain_timeout` at the latest.'),
  tookMs: z.number().nonnegative().describe('Milliseconds.'),
})

const configuration = z.strictObject({
  file: text('Where it is read from; null: the environment alone.').nullable(),
  loadedAt: time('When what is in force was loaded.'),
  reloads: count('Reloads since the start that were applied or changed nothing.'),
  refusals: count('Reloads since the start that were refused.'),
  differsSince: time(
    'Since when the file differs from what is in force, because a reload was refused or none was requested; null: it does not. Found within 10 s.',
  ).nullable(),
  problems: texts('Why what is in the file cannot be loaded; empty: it does not differ, or a reload would take it.'),
  lastReload: reload.nullable().describe('The last one; null: none since the start.'),
})

const http = z.strictObject({
  addresses: z.array(z.string()).describe('As bound: `127.0.0.1:7000`; empty: none could be.'),
  tls: flag('It is HTTPS.'),
  fault: text('Why it does not listen as configured; null: it does.').nullable(),
  connections: count('Open connections.'),
  eventReaders: count('Of these, readers of the stream of events.'),
  refusals: z
    .strictObject({
      host: count('`Host` named another host: see `admin.hosts`.'),
      origin: count('A page of another site had sent it.'),
      'no-token': count('An act, or a list of sessions from another host, without a token.'),
      'wrong-token': count('The token is not in `admin.token_file`.'),
      'too-large': count('The body was larger than 16 KiB, or was one where none belongs.'),
      slow: count('It was not complete within 5 s, with its body within 10 s.'),
      'slow-reader': count('Its answer was not read.'),
      pipelined: count('It came before the answer to the one before.'),
      malformed: count('It was not HTTP.'),
      tls: count('No TLS session came about.'),
      'connection-limit': count('256 connections were open, or 224 of other hosts.'),
      busy: count('32 large answers were being sent, or 128 readers of events were there.'),
    })
    .describe('Requests and connections that were refused since the start, by reason.'),
})

export const statusSchema = z.strictObject({
  format: z.literal(STATUS_FORMAT).describe('Version of this format. New fields may come without a new format.'),
  version: text('Version of the router.'),
  pid: whole('Process ID.'),
  node: text('Name of the host that it runs on.'),
  startedAt: time('When the router was started.'),
  now: time('When this status was taken: ages are counted from here.'),
  stopping: flag('It is shutting down: no new connections are accepted.'),
  maxConnections: count('Limit for all clusters together; 0: unlimited.'),
  log: z.strictObject({
    dropped: count('Lines of the log that were dropped since the start, because its reader did not keep up.'),
  }),
  clusters: z.array(cluster).describe('In the order of the configuration.'),
  templates: z
    .strictObject({
      groups: z.array(group).describe('Templates that change together and are reloaded once.'),
      hooks: z.array(hook).describe('In the order of the configuration.'),
      keys: z.array(keys).describe('Keys of the DCS that templates read.'),
    })
    .nullable()
    .describe('null: there are neither templates nor hooks.'),
  track: z.array(trackFile).describe('Track files.'),
  configuration: configuration.nullable().describe('null: it cannot be loaded again, as in a demo.'),
  http: http.nullable().describe('null: HTTP is off.'),
})

/** Returns a schema as JSON Schema, for the documentation. It allows unknown keys: a newer router has more. */
export function published(schema: z.ZodType): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  })
}

/** Returns the schema of the status as text. */
export function publishedSchema(): string {
  const schema = published(statusSchema)
  const title = 'patroni-router status --json'
  return `${JSON.stringify({ $schema: schema.$schema, title, ...schema }, null, 2)}\n`
}

export type StatusJson = z.infer<typeof statusSchema>
export type TemplatesJson = NonNullable<StatusJson['templates']>
export type GroupJson = z.infer<typeof group>
export type HookJson = z.infer<typeof hook>
export type KeysJson = z.infer<typeof keys>
export type TrackFileJson = z.infer<typeof trackFile>
export type ConfigurationJson = z.infer<typeof configuration>
export type HttpJson = z.infer<typeof http>
export type ReloadJson = z.infer<typeof reload>
export type CommandJson = z.infer<typeof command>
