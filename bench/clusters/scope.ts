/** Returns the scope of the cluster of that number. */
export function scopeOf(cluster: number): string {
  return `c${String(cluster).padStart(3, '0')}`
}
