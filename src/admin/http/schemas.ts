/** The documented shape of what is sent to the API, and of what it answers. Published as docs/openapi.json. */
import { z } from 'zod'
import { count, flag, text, time } from '../status/schema-fields.ts'
import { sessionSchema } from '../status/schema-session.ts'

const duration = (description: string): z.ZodString => z.string().describe(`${description} Like \`30m\`.`)
const cluster = text('Name of the cluster; needed where there are several.')

export const memberAct = z.strictObject({
  state: z
    .enum(['drain', 'maint', 'ready'])
    .describe('`drain`: no new sessions. `maint`: the same, shown as in maintenance. `ready`: as the router finds it.'),
  for: duration('How long it lasts; without it until it is ended.').optional(),
  cluster: cluster.optional(),
})

export const holdAct = z.strictObject({
  listener: text('Name of the listener; without it all are held.').optional(),
  for: duration('How long they are held at most; without it 5 minutes.').optional(),
  cluster: cluster.optional(),
})

export const releaseAct = z.strictObject({
  listener: text('Name of the listener; without it all are released.').optional(),
  cluster: cluster.optional(),
})

const filter = {
  cluster: text('Those of a cluster.').optional(),
  listener: text('Those of a listener.').optional(),
  member: text('Those on a member.').optional(),
  client: text('Those from an IP address.').optional(),
  id: text('The one with this ID.').optional(),
}

export const closeAct = z.strictObject({
  ...filter,
  all: z.literal(true).describe('All of them; without it something else has to be given.').optional(),
})

export const sessionQuery = z.strictObject(filter)

export const actResult = z.strictObject({ result: text('The state from now on, in one line.') })
export const closeResult = z.strictObject({ closed: count('Sessions that were closed.') })
export const failure = z.strictObject({ error: text('The reason, in one line.') })

export const sessionList = z.strictObject({
  total: count('How many match; `sessions` has 1,000 of them at most.'),
  sessions: z.array(sessionSchema).describe('The oldest first.'),
})
export type SessionList = z.infer<typeof sessionList>

const event = z.looseObject({
  seq: count('Number of the event: it grows from one to the next.'),
  time: time('When it was.'),
  level: text('As in the log; `note`: a milestone that the log has at level `debug` only.'),
  ['event']: text('Name of the event, as docs/operations.md lists it.'),
  message: text('The text for people.'),
  cluster: text('The cluster, where there are several.').optional(),
})

export const eventList = z.strictObject({ events: z.array(event).describe('The oldest first.') })

const clusterHealth = z.strictObject({
  cluster: text('Name of the cluster.'),
  ok: flag('New connections are accepted.'),
  members: z.array(z.string()).describe('The members that they go to.'),
  reason: text('Why there is none; empty where there is.'),
})

export const health = z.strictObject({
  ok: flag('The same as the status: true with 200, false with 503.'),
  check: text('The check.'),
  clusters: z.array(clusterHealth).describe('Each cluster that was checked; empty for checks of the process.'),
})
export type HealthJson = z.infer<typeof health>
