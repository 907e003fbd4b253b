// Uses the migrated database as the application does: Prisma Client 7 over @prisma/adapter-pg.
// Run in the folder that holds node_modules; prints one JSON document: the name of each check, and
// null where it passed, else what it found.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.cwd(), 'here.js'))
const { PrismaClient, Prisma, StudioType } = require('@prisma/client')
const { PrismaPg } = require('@prisma/adapter-pg')
const { z } = require('zod')
const bcrypt = require('bcryptjs')

const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) })
const checks = []
const check = (name, run) => checks.push([name, run])
const count = async (text) => Number((await prisma.$queryRawUnsafe(`SELECT count(*) AS n FROM ${text}`))[0].n)
const refused = (code) => (error) => error instanceof Prisma.PrismaClientKnownRequestError && error.code === code

check('users come with their profiles and metadata', async () => {
  const users = await prisma.user.findMany({ include: { profile: true, metadata: true } })
  assert.equal(users.length, await count('users'))
  assert.equal(users.filter((user) => user.profile).length, await count('user_profiles'))
  assert.equal(users.flatMap((user) => user.metadata).length, await count('user_metadata'))
  assert.ok(users.every((user) => !user.profile || user.profile.userId === user.id))
  const categories = users.flatMap((user) => user.metadata.filter((fact) => fact.key === 'profile_category'))
  assert.equal(categories.length, await count('user_profiles'))
})

check('studios come with their owners, services and images in order', async () => {
  const studios = await prisma.studio.findMany({
    include: { owner: true, services: true, images: { orderBy: { sortOrder: 'asc' } } },
  })
  assert.ok(studios.length > 0)
  assert.equal(studios.flatMap((studio) => studio.images).length, await count('studio_images'))
  assert.equal(studios.flatMap((studio) => studio.services).length, await count('studio_services'))
  for (const studio of studios) {
    assert.equal(studio.owner.id, studio.ownerId)
    assert.deepEqual(studio.images.map((image) => image.sortOrder), studio.images.map((_, place) => place))
  }
})

check('messages are sent by one and received by another', async () => {
  const users = await prisma.user.findMany({ include: { sentMessages: true, receivedMessages: true } })
  const all = await count('messages')
  assert.ok(all > 0)
  assert.equal(users.flatMap((user) => user.sentMessages).length, all)
  assert.equal(users.flatMap((user) => user.receivedMessages).length, all)
  const first = await prisma.message.findFirst({ orderBy: { createdAt: 'asc' }, include: { sender: true, receiver: true } })
  assert.deepEqual([first.sender.id, first.receiver.id], [first.senderId, first.receiverId])
})

check('connections go both ways', async () => {
  const users = await prisma.user.findMany({
    include: { connections: { include: { connectedUser: true } }, connectedBy: true },
  })
  const accepted = users.flatMap((user) => user.connections).filter((one) => one.accepted)
  assert.ok(accepted.length > 0)
  const pairs = new Set(accepted.map((one) => `${one.userId} ${one.connectedUserId}`))
  assert.ok(accepted.every((one) => pairs.has(`${one.connectedUserId} ${one.userId}`)))
  assert.equal(users.flatMap((user) => user.connectedBy).length, await count('user_connections'))
})

check('reviews come with studio, people and answer', async () => {
  const reviews = await prisma.review.findMany({ include: { studio: true, reviewer: true, owner: true, response: true } })
  assert.ok(reviews.length > 0)
  assert.equal(reviews.filter((review) => review.response).length, await count('review_responses'))
  assert.ok(reviews.every((review) => review.studio.ownerId === review.owner.id && review.rating >= 1))
})

check('zod takes every id as a cuid and as a cuid2', async () => {
  const models = ['user', 'userProfile', 'userMetadata', 'studio', 'studioService', 'studioImage', 'message', 'userConnection', 'review', 'reviewResponse']
  const shapes = [z.string().cuid(), z.string().cuid2(), z.cuid(), z.cuid2()]
  let seen = 0
  for (const model of models) {
    for (const { id } of await prisma[model].findMany({ select: { id: true } })) {
      for (const shape of shapes) shape.parse(id)
      seen += 1
    }
  }
  assert.ok(seen > 500)
})

check('instants are those of the database, to the millisecond', async () => {
  const told = await prisma.$queryRawUnsafe(`SELECT id, to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at FROM users`)
  const at = new Map(told.map((row) => [row.id, row.at]))
  for (const user of await prisma.user.findMany()) assert.equal(user.createdAt.toISOString(), at.get(user.id))
})

check('enums are those of the schema, and can be asked for', async () => {
  const studios = await prisma.studio.groupBy({ by: ['studioType'], _count: true })
  assert.ok(studios.length > 1)
  assert.ok(studios.every((group) => Object.hasOwn(StudioType, group.studioType)))
  const asked = await Promise.all(studios.map((group) => prisma.studio.count({ where: { studioType: group.studioType } })))
  assert.deepEqual(asked, studios.map((group) => group._count))
  const services = await prisma.studioService.findMany({ distinct: ['service'] })
  assert.ok(services.some((one) => one.service === 'SOURCE_CONNECT'))
})

check('decimals are exact', async () => {
  const place = await prisma.studio.findFirst({ where: { latitude: { not: null }, longitude: { not: null } } })
  assert.ok(Prisma.Decimal.isDecimal(place.latitude))
  const [{ text }] = await prisma.$queryRawUnsafe('SELECT latitude::text AS text FROM studios WHERE id = $1', place.id)
  assert.ok(place.latitude.equals(new Prisma.Decimal(text)))
  const exact = new Prisma.Decimal('-12.34567891')
  const changed = await prisma.studio.update({ where: { id: place.id }, data: { latitude: exact } })
  assert.ok(changed.latitude.equals(exact))
  await prisma.studio.update({ where: { id: place.id }, data: { latitude: place.latitude } })
})

check('bcryptjs takes a migrated password', async () => {
  const hash = process.env.KNOWN_HASH
  const people = await prisma.user.findMany({ where: { password: { startsWith: '$2' } } })
  const known = people.filter((user) => user.password.slice(4) === hash.slice(4))
  assert.ok(known.length > 0, 'nobody with the known password was migrated')
  assert.ok(await bcrypt.compare(process.env.KNOWN_PASSWORD, known[0].password))
  assert.equal(await bcrypt.compare('another', known[0].password), false)
})

check('a person is created with everything, changed and deleted through relations', async () => {
  const [owner, friend] = await prisma.user.findMany({ take: 2, orderBy: { id: 'asc' } })
  const made = await prisma.user.create({
    data: {
      email: 'newcomer@example.com', username: 'newcomer', displayName: 'Newcomer', role: 'STUDIO_OWNER',
      profile: { create: { location: 'Nowhere' } },
      metadata: { create: [{ key: 'profile_category', value: 'STUDIO' }] },
      studios: {
        create: {
          name: 'New room', studioType: 'PODCAST', latitude: '1.5', status: 'DRAFT',
          services: { create: [{ service: 'ZOOM' }, { service: 'TEAMS' }] },
          images: { create: [{ imageUrl: 'https://img.example.com/new.png' }] },
        },
      },
      sentMessages: { create: { content: 'hello', receiver: { connect: { id: owner.id } } } },
      connections: { create: { accepted: true, connectedUser: { connect: { id: friend.id } } } },
    },
    include: { profile: true, studios: { include: { services: true, images: true } }, sentMessages: true },
  })
  z.cuid().parse(made.id)
  assert.equal(made.studios[0].services.length, 2)
  assert.ok(made.updatedAt instanceof Date)
  const review = await prisma.review.create({
    data: { rating: 4, studio: { connect: { id: made.studios[0].id } }, reviewer: { connect: { id: friend.id } }, owner: { connect: { id: made.id } }, response: { create: { content: 'thanks', author: { connect: { id: made.id } } } } },
  })
  const changed = await prisma.user.update({
    where: { email: 'newcomer@example.com' },
    data: {
      profile: { update: { isFeatured: true } },
      studios: { update: { where: { id: made.studios[0].id }, data: { status: 'ACTIVE', services: { deleteMany: { service: 'ZOOM' } } } } },
    },
    include: { profile: true, studios: { include: { services: true } } },
  })
  assert.equal(changed.profile.isFeatured, true)
  assert.deepEqual(changed.studios[0].services.map((one) => one.service), ['TEAMS'])
  await assert.rejects(prisma.user.delete({ where: { id: made.id } }), refused('P2003'))
  await prisma.$transaction([
    prisma.message.deleteMany({ where: { senderId: made.id } }),
    prisma.userConnection.deleteMany({ where: { userId: made.id } }),
    prisma.studio.delete({ where: { id: made.studios[0].id } }),
    prisma.user.delete({ where: { id: made.id } }),
  ])
  assert.equal(await prisma.review.count({ where: { id: review.id } }), 0)
  assert.equal(await prisma.userProfile.count({ where: { userId: made.id } }), 0)
  assert.equal(await prisma.studioImage.count({ where: { studioId: made.studios[0].id } }), 0)
})

check('a migrated person is changed, and keys and relations are still guarded', async () => {
  const [one, other] = await prisma.user.findMany({ take: 2, orderBy: { id: 'desc' } })
  const before = one.updatedAt
  const changed = await prisma.user.update({ where: { id: one.id }, data: { displayName: 'Changed' } })
  assert.ok(changed.updatedAt > before)
  await assert.rejects(prisma.user.update({ where: { id: one.id }, data: { email: other.email } }), refused('P2002'))
  await assert.rejects(prisma.message.create({ data: { content: 'to nobody', senderId: one.id, receiverId: 'nobody' } }), refused('P2003'))
  await assert.rejects(prisma.studio.create({ data: { name: 'x', studioType: 'CASTLE', ownerId: one.id } }), Prisma.PrismaClientValidationError)
})

check('JSON comes back as it went', async () => {
  const user = await prisma.user.findFirst()
  const data = { nested: [1, 2.5, null, 'ä "quoted" </script>'], yes: true }
  const made = await prisma.notification.create({ data: { userId: user.id, type: 'MESSAGE_RECEIVED', title: 't', message: 'm', data } })
  assert.deepEqual((await prisma.notification.findUnique({ where: { id: made.id } })).data, data)
  assert.equal(await prisma.notification.count({ where: { data: { path: ['yes'], equals: true } } }), 1)
  await prisma.notification.delete({ where: { id: made.id } })
})

const results = {}
for (const [name, run] of checks) {
  try {
    await run()
    results[name] = null
  } catch (error) {
    results[name] = String(error.stack ?? error)
  }
}
await prisma.$disconnect()
process.stdout.write(JSON.stringify(results))
