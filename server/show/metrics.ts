import { Counter, Gauge, type OpenMetricsContentType, Registry } from 'prom-client';
import type { OwnFigure } from '../ports/show.ts';

interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** Names of the figures that `server/show` itself adds; the rest comes from `figures`. */
export interface OwnMetrics {
  scrape(): Promise<MetricsText>;
}

export interface MetricsOptions {
  readonly version: string;
  /** Read at every scrape; figures of one name share help, kind and label names. */
  readonly figures: () => Iterable<OwnFigure>;
}

/** /metrics in OpenMetrics form. The registry is made anew at each scrape: no stale label stays. */
export function createOwnMetrics({ version, figures }: MetricsOptions): OwnMetrics {
  return {
    async scrape() {
      const registry = new Registry<OpenMetricsContentType>();
      registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
      const build = new Gauge({
        name: 'vedette_build_info',
        help: 'Always 1; the labels say what runs',
        labelNames: ['version', 'node'],
        registers: [registry],
      });
      build.set({ version, node: process.version }, 1);
      const known = new Map<string, Gauge | Counter>();
      for (const figure of figures()) {
        const metric = known.get(figure.name) ?? register(figure, registry);
        known.set(figure.name, metric);
        metric.inc(figure.labels ?? {}, figure.value);
      }
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

function register(figure: OwnFigure, registry: Registry<OpenMetricsContentType>): Gauge | Counter {
  const options = {
    name: `vedette_${figure.name}`,
    help: figure.help,
    labelNames: Object.keys(figure.labels ?? {}),
    registers: [registry],
  };
  return figure.kind === 'counter' ? new Counter(options) : new Gauge(options);
}
