/** A part of the router that outlives a change of its configuration. */
export interface Reconfigurable<C> {
  /** Takes `next` from now on and returns true; or returns false: nothing has changed then, and the part is to be closed and built anew. */
  reconfigure(next: C): boolean
}
