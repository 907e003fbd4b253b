// Prints the DDL that Prisma's own schema engine makes from each schema.prisma, as a JSON list.
// usage: DATABASE_URL=postgresql://… node ddl.mjs schema.prisma …
// The engine runs as WebAssembly: no download, no shadow database. A schema that it refuses ends this.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'

const file = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
const binary = fs.readFileSync(file.replace(/\.js$/, '.wasm'))
const { instance } = await WebAssembly.instantiate(binary, { './schema_engine_bg.js': bindings })
bindings.__wbg_set_wasm(instance.exports)
instance.exports.__wbindgen_start()

const made = []
for (const path of process.argv.slice(2)) {
  const content = fs.readFileSync(path, 'utf8')
  const files = [{ path: 'schema.prisma', content }]
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg({ connectionString: process.env.DATABASE_URL }))
  const engine = await bindings.SchemaEngine.new({ datamodels: [['schema.prisma', content]] }, () => {}, adapter)
  const { stdout } = await engine.diff({
    from: { tag: 'empty' }, to: { tag: 'schemaDatamodel', files }, script: true, shadowDatabaseUrl: null,
    exitCode: null, filters: { externalTables: [], externalEnums: [] },
  })
  made.push(stdout)
}
process.stdout.write(JSON.stringify(made), () => process.exit(0))
