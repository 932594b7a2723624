/** The part of npm `ping` that knows each system's program and arguments; its typings have no entry for it. */
declare module 'ping/lib/builder/factory.js' {
  interface ArgumentBuilder {
    /** Throws where the system's program cannot do what is asked. */
    getCommandArguments(
      target: string,
      config: {
        numeric?: boolean;
        timeout?: number | false;
        min_reply?: number;
        v6?: boolean;
        sourceAddr?: string;
        extra?: string[];
      },
    ): string[];
  }
  const factory: {
    isLinux(platform: string): boolean;
    isWindow(platform: string): boolean;
    isPlatformSupport(platform: string): boolean;
    getExecutablePath(platform: string, v6: boolean): string;
    createBuilder(platform: string): ArgumentBuilder;
  };
  // biome-ignore lint/style/noDefaultExport: a CommonJS module has no other export
  export default factory;
}
