import {
  Counter,
  Gauge,
  type OpenMetricsContentType,
  type PrometheusContentType,
  Registry,
} from 'prom-client';
import type { OwnFigure } from '../ports/show.ts';

interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** Names of the figures that `server/show` itself adds; the rest comes from `figures`. */
export interface OwnMetrics {
  /** @param accept what the reader says it understands */
  scrape(accept?: string): Promise<MetricsText>;
}

export interface MetricsOptions {
  readonly version: string;
  /** Read at every scrape; figures of one name share help, kind, unit and label names. */
  readonly figures: () => Iterable<OwnFigure>;
}

type AnyRegistry = Registry<OpenMetricsContentType> | Registry<PrometheusContentType>;

/**
 * /metrics in OpenMetrics 1.0 for who asks for it, else in Prometheus' text format 0.0.4 (what curl and
 * `promtool check metrics` read). The registry is made anew at each scrape: no stale label stays.
 */
export function createOwnMetrics({ version, figures }: MetricsOptions): OwnMetrics {
  return {
    async scrape(accept) {
      const isOpen = wantsOpenMetrics(accept);
      const registry: AnyRegistry = isOpen ? openRegistry() : new Registry();
      const build = new Gauge({
        name: 'vedette_build_info',
        help: 'Always 1; the labels say what runs',
        labelNames: ['version', 'node'],
        registers: [registry as Registry],
      });
      build.set({ version, node: process.version }, 1);
      const known = new Map<string, Gauge | Counter>();
      const units = new Map<string, string>();
      for (const figure of figures()) {
        const metric = known.get(figure.name) ?? register(figure, registry as Registry);
        known.set(figure.name, metric);
        metric.inc(figure.labels ?? {}, figure.value);
        if (figure.unit !== undefined) units.set(familyOf(figure), figure.unit);
      }
      const text = await registry.metrics();
      return { contentType: registry.contentType, text: isOpen ? withUnits(text, units) : text };
    },
  };
}

function openRegistry(): Registry<OpenMetricsContentType> {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}

/** `Accept: application/openmetrics-text; version=1.0.0; q=0.5, …`: with any weight but 0. */
function wantsOpenMetrics(accept = ''): boolean {
  return accept.split(',').some((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((text) => text.startsWith('q='));
    return type === 'application/openmetrics-text' && Number(weight?.slice(2) ?? 1) > 0;
  });
}

function register(figure: OwnFigure, registry: Registry): Gauge | Counter {
  const options = {
    name: `vedette_${figure.name}`,
    help: figure.help,
    labelNames: Object.keys(figure.labels ?? {}),
    registers: [registry],
  };
  return figure.kind === 'counter' ? new Counter(options) : new Gauge(options);
}

/** In OpenMetrics a counter's family has no `_total`. */
const familyOf = ({ name }: OwnFigure): string => `vedette_${name.replace(/_total$/, '')}`;

/** prom-client knows no units: each goes behind the line with the type of its family. */
const withUnits = (text: string, units: ReadonlyMap<string, string>): string =>
  text.replace(/^# TYPE (\S+) \S+$/gm, (line, family: string) => {
    const unit = units.get(family);
    return unit === undefined ? line : `${line}\n# UNIT ${family} ${unit}`;
  });
