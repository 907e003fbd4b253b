// `prisma generate` asks no database; what reads one gets its address from the test.
import { defineConfig } from 'prisma/config'

export default defineConfig({ schema: 'schema.prisma' })
