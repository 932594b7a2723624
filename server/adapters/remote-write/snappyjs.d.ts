/** The block format of Snappy in plain JavaScript; the package brings no types. */
declare module 'snappyjs' {
  const snappy: {
    compress(bytes: Uint8Array): Uint8Array;
    /** @throws for what is no Snappy block, or is longer than `maxLength` bytes. */
    uncompress(bytes: Uint8Array, maxLength?: number): Uint8Array;
  };
  // biome-ignore lint/style/noDefaultExport: a CommonJS module has no other export
  export default snappy;
}
