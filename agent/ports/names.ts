/** Turns a name into an address by the system's resolver; undefined when it cannot. */
export type LookUpName = (name: string) => Promise<string | undefined>;
