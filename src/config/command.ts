/** Commands of the configuration: what they may hold, and what fills it. */

/** What stands for the staged file and for its destination, as HAProxy's people know it from confd's `{{.src}}`. */
export const PLACEHOLDERS = ['staged', 'destination'] as const

export type Placeholder = (typeof PLACEHOLDERS)[number]
