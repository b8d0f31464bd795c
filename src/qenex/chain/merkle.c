/* RFC 9162 Merkle hashing over SHA-256 of OpenSSL's libcrypto, in runs, without Python between two hashes.
 *
 * The messages hashed here have fixed lengths, so their FIPS 180-4 padding is written once into a buffer and every
 * hash is one SHA256_Update over whole 64-byte blocks: no partial-block copying, no SHA256_Final. The compression is
 * libcrypto's alone. Measured against EVP with a fetched digest and a reused context: 118 ns against 175 ns per leaf.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init and SHA256_Update are deprecated in favour of EVP; see above. */
#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>

enum {
    HASH_BYTES = 32,
    RECORD_BYTES = 128,
    TILE_WIDTH = 256,
    LEAF_BLOCKS_BYTES = 192,  /* 0x00, kind, 128-byte record, 0x80, zeros, length: 3 blocks */
    NODE_BLOCKS_BYTES = 128,  /* 0x01, left, right, 0x80, zeros, length: 2 blocks */
    LEAF_BITS = (2 + RECORD_BYTES) * 8,
    NODE_BITS = (1 + 2 * HASH_BYTES) * 8,
    GROUP = 8 /* Messages written before the first is hashed: reading bytes just stored would wait for the store. */
};

_Static_assert(LEAF_BITS < 65536 && NODE_BITS < 65536, "the message lengths fit the two bytes written below");

typedef struct {
    SHA256_CTX context;
    SHA_LONG start[8]; /* the initial hash value of FIPS 180-4 5.3.3, as SHA256_Init sets it */
} sha256_hasher;

static void hasher_init(sha256_hasher *self)
{
    SHA256_Init(&self->context);
    memcpy(self->start, self->context.h, sizeof self->start);
}

/* SHA-256 of a padded message of whole blocks. Whole blocks leave nothing in the context's own buffer, so that putting
 * back the chaining value is all it takes to start the next message. */
static inline void hash_blocks(sha256_hasher *self, uint8_t *out, const uint8_t *blocks, size_t length)
{
    memcpy(self->context.h, self->start, sizeof self->start);
    SHA256_Update(&self->context, blocks, length);
    for (int i = 0; i < 8; i++) {
        uint32_t word = (uint32_t)self->context.h[i];
        out[4 * i] = (uint8_t)(word >> 24);
        out[4 * i + 1] = (uint8_t)(word >> 16);
        out[4 * i + 2] = (uint8_t)(word >> 8);
        out[4 * i + 3] = (uint8_t)word;
    }
}

typedef struct {
    sha256_hasher sha256;
    uint8_t messages[GROUP][NODE_BLOCKS_BYTES];
} node_hasher;

/* Writes the padding of messages of `bits` bits into `count` buffers of `length` bytes (whole blocks, below 8 KiB). */
static void pad(uint8_t *buffers, size_t count, size_t length, unsigned bits)
{
    memset(buffers, 0, count * length);
    for (size_t i = 0; i < count; i++) {
        uint8_t *message = buffers + i * length;
        message[bits / 8] = 0x80;
        message[length - 2] = (uint8_t)(bits >> 8);
        message[length - 1] = (uint8_t)bits;
    }
}

/* out[i] = SHA-256(0x00 || kind || records[i]). requires: n records of 128 bytes, n * 32 bytes of room. */
static void qx_leaf_hashes(uint8_t kind, const uint8_t *records, size_t n, uint8_t *out)
{
    sha256_hasher sha256;
    uint8_t messages[GROUP][LEAF_BLOCKS_BYTES];
    hasher_init(&sha256);
    pad(messages[0], GROUP, LEAF_BLOCKS_BYTES, LEAF_BITS);
    for (size_t i = 0; i < GROUP; i++)
        messages[i][1] = kind;
    for (size_t first = 0; first < n; first += GROUP) {
        size_t count = n - first < GROUP ? n - first : GROUP;
        for (size_t i = 0; i < count; i++)
            memcpy(messages[i] + 2, records + (first + i) * RECORD_BYTES, RECORD_BYTES);
        for (size_t i = 0; i < count; i++)
            hash_blocks(&sha256, out + (first + i) * HASH_BYTES, messages[i], LEAF_BLOCKS_BYTES);
    }
}

static void node_hasher_init(node_hasher *self)
{
    hasher_init(&self->sha256);
    pad(self->messages[0], GROUP, NODE_BLOCKS_BYTES, NODE_BITS);
    for (size_t i = 0; i < GROUP; i++)
        self->messages[i][0] = 0x01;
}

/* One level up: out[i] = SHA-256(0x01 || nodes[2i] || nodes[2i+1]) for i < n/2; an odd last node moves up unchanged.
 * out may be nodes itself. Returns the number of hashes written. */
static size_t fold_once(node_hasher *self, const uint8_t *nodes, size_t n, uint8_t *out)
{
    for (size_t first = 0; first < n / 2; first += GROUP) {
        size_t count = n / 2 - first < GROUP ? n / 2 - first : GROUP;
        for (size_t i = 0; i < count; i++)
            memcpy(self->messages[i] + 1, nodes + (first + i) * 2 * HASH_BYTES, 2 * HASH_BYTES);
        for (size_t i = 0; i < count; i++)
            hash_blocks(&self->sha256, out + (first + i) * HASH_BYTES, self->messages[i], NODE_BLOCKS_BYTES);
    }
    if (n % 2 == 1)
        memmove(out + n / 2 * HASH_BYTES, nodes + (n - 1) * HASH_BYTES, HASH_BYTES);
    return n / 2 + n % 2;
}

/* The Merkle tree hash over n >= 1 subtree hashes of one height, of which the last may belong to a smaller subtree:
 * RFC 9162 2.1.1 splits at the largest power of two below n, which is what folding pairs from the left gives.
 * requires: 1 <= n <= 257. */
static void tree_hash(node_hasher *self, const uint8_t *nodes, size_t n, uint8_t *out)
{
    uint8_t level[(TILE_WIDTH / 2 + 1) * HASH_BYTES];
    if (n == 1) {
        memcpy(out, nodes, HASH_BYTES);
        return;
    }
    n = fold_once(self, nodes, n, level);
    while (n > 1)
        n = fold_once(self, level, n, level);
    memcpy(out, level, HASH_BYTES);
}

static void qx_tree_hash(const uint8_t *nodes, size_t n, uint8_t *out)
{
    node_hasher hasher;
    node_hasher_init(&hasher);
    tree_hash(&hasher, nodes, n, out);
}

/* Appends n hashes to the open tile `tail` (room for 256 hashes, *tail_count < 256 of them in use) and writes the
 * root of every tile that became full to out (room for (*tail_count + n) / 256 hashes). The tail keeps the rest.
 * Returns the number of roots written. */
static size_t qx_fold_tiles(uint8_t *tail, uint32_t *tail_count, const uint8_t *hashes, size_t n, uint8_t *out)
{
    node_hasher hasher;
    size_t roots = 0;
    node_hasher_init(&hasher);
    size_t used = *tail_count;
    if (used > 0) {
        size_t taken = n < TILE_WIDTH - used ? n : TILE_WIDTH - used;
        memcpy(tail + used * HASH_BYTES, hashes, taken * HASH_BYTES);
        used += taken;
        hashes += taken * HASH_BYTES;
        n -= taken;
        if (used == TILE_WIDTH) {
            tree_hash(&hasher, tail, TILE_WIDTH, out);
            roots = 1;
            used = 0;
        }
    }
    if (used == 0) {
        for (; n >= TILE_WIDTH; n -= TILE_WIDTH, hashes += TILE_WIDTH * HASH_BYTES)
            tree_hash(&hasher, hashes, TILE_WIDTH, out + roots++ * HASH_BYTES);
        memcpy(tail, hashes, n * HASH_BYTES);
        used = n;
    }
    *tail_count = (uint32_t)used;
    return roots;
}
