/** The first SIGTERM or SIGINT, by name; a second one ends the process at once. */
export function stopSignal(): Promise<string> {
  const exitCodes = { SIGTERM: 143, SIGINT: 130 } as const;
  return new Promise((resolve) => {
    let isStopping = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(exitCodes[signal]);
        isStopping = true;
        resolve(signal);
      });
    }
  });
}
