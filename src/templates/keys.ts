/** Arbitrary keys of the DCS, as one template reads them. */

export interface KeyView {
  /** By name relative to the template's prefix (`/db/host`), sorted by name. */
  readonly entries: ReadonlyMap<string, string>
}
