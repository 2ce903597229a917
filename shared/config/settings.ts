import type { SettingsFor } from './schema.ts';

/** Settings of `flashcast proxy`; its defaults are the reference's. */
export type ProxySettings = SettingsFor<'proxy'>;

/** Settings of `flashcast ingest`. */
export type IngestSettings = SettingsFor<'ingest'>;

/** Settings of `flashcast edge`. */
export type EdgeSettings = SettingsFor<'edge'>;
