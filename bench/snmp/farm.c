/* The load of bench/snmp.py: a farm of SNMP agents, or a source of signed traps, on the loopback network.
 *
 *   farm agents PORT DEAD_PERCENT   Every address 127.1.0.0 + n is a device: 12 scalars and a table of 8 rows and 6
 *                                   columns under 1.3.6.1.4.1.55555, of which 29 values move with time. Speaks v2c
 *                                   under any community and v3 under one user. Of each hundred devices the first
 *                                   DEAD_PERCENT never answer. With PORT 0 the kernel chooses; prints "ready PORT", ends on SIGTERM.
 *   farm traps PORT COUNT RATE N    Sends COUNT v3 traps at RATE a second to 127.0.0.1:PORT from the N first devices.
 *
 * The user is "watcher" with SHA-256 ("authentic-phrase") and AES-128 ("private-phrase"); each device has an engine ID
 * of its own, 80 00 d9 03 01 and its address, boots 7, and a clock that starts with this program.
 *
 * gcc -O2 farm.c -o farm -lcrypto
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define FIRST_DEVICE 0x7f010000u
#define DEVICES 65536
#define ROOT 1, 3, 6, 1, 4, 1, 55555
#define ENGINE_ID_LEN 9
#define MAC_LEN 24
#define BOOTS 7
#define FULL_ANSWER 1300
/* Questions are looked at this often, as real devices are never nearer; and then the asker need not pay for waking us. */
#define ROUND_TRIP_NS 500000

typedef uint8_t u8;

static double started;
static volatile sig_atomic_t stopping;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void stop(int signal) {
    (void)signal;
    stopping = 1;
}

/* ---------------------------------------------------------------- BER, written from back to front */

typedef struct {
    u8 octets[4096];
    int at;
} Writer;

static void put(Writer *w, const void *octets, int length) {
    w->at -= length;
    memcpy(w->octets + w->at, octets, length);
}

static void put_header(Writer *w, u8 tag, int length) {
    if (length < 128) {
        w->octets[--w->at] = length;
    } else {
        w->octets[--w->at] = length;
        if (length > 255) w->octets[--w->at] = length >> 8;
        w->octets[--w->at] = length > 255 ? 0x82 : 0x81;
    }
    w->octets[--w->at] = tag;
}

static void put_element(Writer *w, u8 tag, const void *octets, int length) {
    put(w, octets, length);
    put_header(w, tag, length);
}

static void put_int(Writer *w, u8 tag, int64_t number) {
    int before = w->at;
    u8 octet;
    do {
        octet = number & 255;
        w->octets[--w->at] = octet;
        number >>= 8;
    } while (!(number == 0 && !(octet & 128)) && !(number == -1 && (octet & 128)));
    put_header(w, tag, before - w->at);
}

static int start_at(Writer *w) { return w->at = sizeof w->octets; }

static int read_header(const u8 **at, const u8 *end, u8 *tag, int *length) {
    const u8 *p = *at;
    if (end - p < 2) return -1;
    *tag = *p++;
    int n = *p++;
    if (n & 128) {
        int count = n & 127;
        n = 0;
        if (count > 3 || end - p < count) return -1;
        while (count--) n = n << 8 | *p++;
    }
    if (n > end - p) return -1;
    *length = n;
    *at = p;
    return 0;
}

typedef struct {
    const u8 *octets;
    int length;
} Slice;

/* The contents of the element at *at, which is moved behind it. */
static int read_element(const u8 **at, const u8 *end, u8 *tag, Slice *found) {
    if (read_header(at, end, tag, &found->length)) return -1;
    found->octets = *at;
    *at += found->length;
    return 0;
}

static int64_t to_int(Slice s) {
    if (!s.length) return 0;
    int64_t number = s.octets[0] & 128 ? -1 : 0;
    for (int i = 0; i < s.length; i++) number = number << 8 | s.octets[i];
    return number;
}

/* ---------------------------------------------------------------- the objects of a device */

enum { MAX_OBJECTS = 64 };

typedef struct {
    u8 oid[32];
    int oid_length;
    u8 tag;
    char text[40]; /* an OCTET STRING, else: */
    int64_t base;
    double per_second;
    int64_t wobble; /* around the base, another value at each reading */
} Object;

static Object objects[MAX_OBJECTS];
static int object_count;

static int encode_oid(u8 *out, const uint32_t *ids, int count) {
    int length = 0;
    out[length++] = ids[0] * 40 + ids[1];
    for (int i = 2; i < count; i++) {
        int shift = 28;
        while (shift && !(ids[i] >> shift)) shift -= 7;
        for (; shift; shift -= 7) out[length++] = 128 | ((ids[i] >> shift) & 127);
        out[length++] = ids[i] & 127;
    }
    return length;
}

static Object *add(const uint32_t *ids, int count, u8 tag, int64_t base) {
    Object *object = &objects[object_count++];
    object->oid_length = encode_oid(object->oid, ids, count);
    object->tag = tag;
    object->base = base;
    return object;
}

/* Octets compare as sub-identifiers do, as all arcs here but one common one are below 128. */
static int compare(const u8 *a, int a_length, const u8 *b, int b_length) {
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : a_length - b_length;
}

static void build_objects(void) {
    for (uint32_t i = 1; i <= 12; i++) {
        uint32_t ids[] = {ROOT, 1, i, 0};
        if (i <= 4) {
            sprintf(add(ids, 10, 0x04, 0)->text, "channelwatch scalar value %u", i);
        } else if (i == 5) {
            add(ids, 10, 0x43, 123456789)->per_second = 100;
        } else if (i <= 8) {
            add(ids, 10, 0x41, 3000000000u + i)->per_second = 1000.0 * i;
        } else {
            add(ids, 10, 0x02, i * 77);
        }
    }
    for (uint32_t column = 1; column <= 6; column++)
        for (uint32_t row = 1; row <= 8; row++) {
            uint32_t ids[] = {ROOT, 2, 1, column, row};
            if (column == 1) {
                add(ids, 11, 0x02, row);
            } else if (column == 2) {
                sprintf(add(ids, 11, 0x04, 0)->text, "tunnel-%u-peer", row);
            } else if (column == 3) {
                add(ids, 11, 0x02, 1 + (row & 1));
            } else if (column <= 5) {
                add(ids, 11, 0x46, 9876543210123 + row * column)->per_second = 1e6 * row;
            } else {
                /* The last row crosses a length of its encoding now and then. */
                add(ids, 11, 0x42, 4000 * row)->wobble = 100 * row;
            }
        }
    uint32_t ids[] = {ROOT, 3, 1, 0};
    add(ids, 10, 0x02, 1);
}

/* The object of that name, or with `next` the first behind it; -1 if there is none. */
static int find(Slice name, int next) {
    int low = 0, high = object_count;
    while (low < high) {
        int middle = (low + high) / 2;
        int order = compare(objects[middle].oid, objects[middle].oid_length, name.octets, name.length);
        if (order < 0 || (next && order == 0)) low = middle + 1;
        else high = middle;
    }
    if (low >= object_count) return -1;
    if (!next && compare(objects[low].oid, objects[low].oid_length, name.octets, name.length)) return -1;
    return low;
}

static void put_object(Writer *w, const Object *object) {
    int before = w->at;
    if (object->tag == 0x04) {
        put_element(w, 0x04, object->text, strlen(object->text));
    } else {
        int64_t value = object->base + (int64_t)(object->per_second * (now() - started));
        if (object->wobble) value += random() % (2 * object->wobble) - object->wobble;
        put_int(w, object->tag, object->tag == 0x41 ? (uint32_t)value : value);
    }
    put_element(w, 0x06, object->oid, object->oid_length);
    put_header(w, 0x30, before - w->at);
}

static void put_absent(Writer *w, Slice name, u8 tag) {
    int before = w->at;
    put_header(w, tag, 0);
    put_element(w, 0x06, name.octets, name.length);
    put_header(w, 0x30, before - w->at);
}

/* ---------------------------------------------------------------- answering a PDU */

enum { MAX_ANSWERS = 512, MAX_NAMES = 128 };

typedef struct {
    int object; /* or -1 for `name` without a value, under `exception` */
    Slice name;
    u8 exception;
} Answered;

/* Octets of the variable binding, near enough to stop before a datagram grows too large. */
static int size_of(const Answered *a) {
    if (a->object < 0) return a->name.length + 6;
    const Object *object = &objects[a->object];
    int value = object->tag == 0x04 ? strlen(object->text) : object->tag == 0x46 ? 6 : object->base > 255 ? 4 : 1;
    return object->oid_length + 6 + value;
}

static Answered look_up(Slice name, int next) {
    Answered found = {find(name, next), name, next ? 0x82 : 0x81};
    return found;
}

static Slice follow(Answered a) {
    if (a.object < 0) return a.name;
    Slice name = {objects[a.object].oid, objects[a.object].oid_length};
    return name;
}

/* Writes the response to the PDU at `at`; -1 if it cannot be read. */
static int answer(const u8 *at, const u8 *end, Writer *w) {
    static Answered answers[MAX_ANSWERS];
    Slice body, id, first, second, list, names[MAX_NAMES];
    u8 kind, tag;
    if (read_element(&at, end, &kind, &body)) return -1;
    at = body.octets;
    end = at + body.length;
    if (read_element(&at, end, &tag, &id) || read_element(&at, end, &tag, &first)) return -1;
    if (read_element(&at, end, &tag, &second) || read_element(&at, end, &tag, &list)) return -1;
    int count = 0, answered = 0, octets = 0;
    at = list.octets;
    end = at + list.length;
    while (at < end && count < MAX_NAMES) {
        Slice binding;
        if (read_element(&at, end, &tag, &binding)) return -1;
        const u8 *inside = binding.octets;
        if (read_element(&inside, inside + binding.length, &tag, &names[count++])) return -1;
    }
    int bulk = kind == 0xa5;
    int once = bulk ? to_int(first) : count, repetitions = bulk ? to_int(second) : 0;
    for (int i = 0; i < count && i < once; i++) answers[answered++] = look_up(names[i], kind != 0xa0);
    for (int turn = 0; turn < repetitions; turn++)
        for (int i = once; i < count; i++) {
            if (octets > FULL_ANSWER || answered == MAX_ANSWERS) goto full;
            answers[answered] = look_up(names[i], 1);
            octets += size_of(&answers[answered]);
            names[i] = follow(answers[answered++]);
        }
full:;
    int before = w->at;
    while (answered--) {
        if (answers[answered].object < 0) put_absent(w, answers[answered].name, answers[answered].exception);
        else put_object(w, &objects[answers[answered].object]);
    }
    put_header(w, 0x30, before - w->at);
    put_int(w, 0x02, 0);
    put_int(w, 0x02, 0);
    put_element(w, 0x02, id.octets, id.length);
    put_header(w, 0xa2, before - w->at);
    return 0;
}

/* ---------------------------------------------------------------- the user-based security model */

static u8 auth_master[32], priv_master[32];
static uint64_t salt;
static EVP_CIPHER_CTX *cipher;

typedef struct {
    int known;
    u8 auth[32], priv[32];
} Keys;

static Keys all_keys[DEVICES];

static void expand(const char *phrase, u8 *master) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int length = strlen(phrase);
    EVP_DigestInit_ex(context, EVP_sha256(), 0);
    for (int at = 0; at < 1048576; at += 64) {
        char block[64];
        for (int i = 0; i < 64; i++) block[i] = phrase[(at + i) % length];
        EVP_DigestUpdate(context, block, 64);
    }
    EVP_DigestFinal_ex(context, master, 0);
    EVP_MD_CTX_free(context);
}

static void engine_id(uint32_t device, u8 *id) {
    uint32_t address = htonl(FIRST_DEVICE + device);
    memcpy(id, "\x80\x00\xd9\x03\x01", 5);
    memcpy(id + 5, &address, 4);
}

static void localise(const u8 *master, uint32_t device, u8 *key) {
    u8 octets[64 + ENGINE_ID_LEN];
    memcpy(octets, master, 32);
    engine_id(device, octets + 32);
    memcpy(octets + 32 + ENGINE_ID_LEN, master, 32);
    EVP_Digest(octets, sizeof octets, key, 0, EVP_sha256(), 0);
}

static Keys *keys_of(uint32_t device) {
    Keys *keys = &all_keys[device % DEVICES];
    if (!keys->known) {
        localise(auth_master, device, keys->auth);
        localise(priv_master, device, keys->priv);
        keys->known = 1;
    }
    return keys;
}

static int engine_time(void) { return (int)(now() - started) + 1; }

static void crypt_in_place(u8 *octets, int length, const Keys *keys, uint32_t boots, uint32_t time, const u8 *used_salt,
                           int encrypting) {
    u8 vector[16];
    uint32_t head[] = {htonl(boots), htonl(time)};
    int written;
    memcpy(vector, head, 8);
    memcpy(vector + 8, used_salt, 8);
    EVP_CipherInit_ex(cipher, EVP_aes_128_cfb128(), 0, keys->priv, vector, encrypting);
    EVP_CipherUpdate(cipher, octets, &written, octets, length);
}

static void sign(const Keys *keys, const u8 *message, int length, u8 *mac) {
    u8 whole[32];
    HMAC(EVP_sha256(), keys->auth, 32, message, length, whole, 0);
    memcpy(mac, whole, MAC_LEN);
}

/* Wraps the PDU in `w` into a message of `device` at the level of `flags` (1 signed, 2 encrypted). */
static void seal(Writer *w, uint32_t device, Slice user, Slice id, int flags) {
    u8 us[ENGINE_ID_LEN], used_salt[8] = {0};
    Keys *keys = keys_of(device);
    int end = sizeof w->octets, time = engine_time(), mac_at = 0;
    engine_id(device, us);
    put_header(w, 0x04, 0);
    put_element(w, 0x04, us, ENGINE_ID_LEN);
    put_header(w, 0x30, end - w->at);
    if (flags & 2) {
        salt++;
        memcpy(used_salt, &salt, 8);
        crypt_in_place(w->octets + w->at, end - w->at, keys, BOOTS, time, used_salt, 1);
        put_header(w, 0x04, end - w->at);
    }
    int before = w->at;
    put_element(w, 0x04, used_salt, flags & 2 ? 8 : 0);
    u8 zeros[MAC_LEN] = {0};
    put(w, zeros, flags & 1 ? MAC_LEN : 0);
    mac_at = w->at;
    put_header(w, 0x04, flags & 1 ? MAC_LEN : 0);
    put_element(w, 0x04, user.octets, user.length);
    put_int(w, 0x02, time);
    put_int(w, 0x02, BOOTS);
    put_element(w, 0x04, us, ENGINE_ID_LEN);
    put_header(w, 0x30, before - w->at);
    put_header(w, 0x04, before - w->at);
    before = w->at;
    u8 octet = flags;
    put_int(w, 0x02, 3);
    put_element(w, 0x04, &octet, 1);
    put_int(w, 0x02, 65507);
    put_element(w, 0x02, id.octets, id.length);
    put_header(w, 0x30, before - w->at);
    put_int(w, 0x02, 3);
    put_header(w, 0x30, end - w->at);
    if (flags & 1) sign(keys, w->octets + w->at, end - w->at, w->octets + mac_at);
}

/* A Report about usmStats object `which`. */
static void report(Writer *w, u8 which) {
    u8 oid[] = {0x2b, 6, 1, 6, 3, 15, 1, 1, which, 0};
    int before = start_at(w);
    put_int(w, 0x41, 1);
    put_element(w, 0x06, oid, sizeof oid);
    put_header(w, 0x30, before - w->at);
    put_header(w, 0x30, before - w->at);
    put_int(w, 0x02, 0);
    put_int(w, 0x02, 0);
    put_int(w, 0x02, 0);
    put_header(w, 0xa8, before - w->at);
}

static const Slice watcher = {(const u8 *)"watcher", 7};

/* Answers the v3 message whose header data starts at `at`; the message itself is altered. */
static int answer_v3(const u8 *at, const u8 *end, u8 *message, int length, uint32_t device, Writer *w) {
    u8 tag, us[ENGINE_ID_LEN], mac[MAC_LEN], claimed[MAC_LEN];
    Slice global, id, size, flags, security, engine, boots, time, user, signature, used_salt, scoped, context;
    if (read_element(&at, end, &tag, &global) || read_element(&at, end, &tag, &security)) return -1;
    const u8 *p = global.octets, *stop = p + global.length;
    if (read_element(&p, stop, &tag, &id) || read_element(&p, stop, &tag, &size)) return -1;
    if (read_element(&p, stop, &tag, &flags) || !flags.length) return -1;
    p = security.octets;
    stop = p + security.length;
    if (read_element(&p, stop, &tag, &security)) return -1;
    p = security.octets;
    stop = p + security.length;
    if (read_element(&p, stop, &tag, &engine) || read_element(&p, stop, &tag, &boots)) return -1;
    if (read_element(&p, stop, &tag, &time) || read_element(&p, stop, &tag, &user)) return -1;
    if (read_element(&p, stop, &tag, &signature) || read_element(&p, stop, &tag, &used_salt)) return -1;
    engine_id(device, us);
    int complaint = 0;
    if (engine.length != ENGINE_ID_LEN || memcmp(engine.octets, us, ENGINE_ID_LEN)) complaint = 4;
    else if (user.length != watcher.length || memcmp(user.octets, watcher.octets, user.length)) complaint = 3;
    else if ((flags.octets[0] & 3) != 3 || signature.length != MAC_LEN || used_salt.length != 8) complaint = 1;
    if (!complaint) {
        memcpy(claimed, signature.octets, MAC_LEN);
        memset(message + (signature.octets - message), 0, MAC_LEN);
        sign(keys_of(device), message, length, mac);
        if (memcmp(mac, claimed, MAC_LEN)) complaint = 5;
        else if (to_int(boots) != BOOTS || llabs(to_int(time) - engine_time()) > 150) complaint = 2;
    }
    if (complaint) {
        report(w, complaint);
        seal(w, device, user, id, complaint == 2);
        return 0;
    }
    if (read_element(&at, end, &tag, &scoped)) return -1;
    crypt_in_place((u8 *)scoped.octets, scoped.length, keys_of(device), to_int(boots), to_int(time), used_salt.octets, 0);
    p = scoped.octets;
    stop = p + scoped.length;
    if (read_element(&p, stop, &tag, &scoped)) return -1;
    p = scoped.octets;
    stop = p + scoped.length;
    if (read_element(&p, stop, &tag, &context) || read_element(&p, stop, &tag, &context)) return -1;
    start_at(w);
    if (answer(p, stop, w)) return -1;
    seal(w, device, watcher, id, 3);
    return 0;
}

static int answer_message(u8 *message, int length, uint32_t device, Writer *w) {
    const u8 *at = message, *end = message + length;
    u8 tag;
    Slice body, version, community;
    if (read_element(&at, end, &tag, &body) || tag != 0x30) return -1;
    at = body.octets;
    end = at + body.length;
    if (read_element(&at, end, &tag, &version)) return -1;
    if (to_int(version) == 3) return answer_v3(at, end, message, end - message, device, w);
    if (read_element(&at, end, &tag, &community)) return -1;
    int before = start_at(w);
    if (answer(at, end, w)) return -1;
    put_element(w, 0x04, community.octets, community.length);
    put_element(w, 0x02, version.octets, version.length);
    put_header(w, 0x30, before - w->at);
    return 0;
}

/* ---------------------------------------------------------------- sockets */

typedef struct {
    struct sockaddr_in peer;
    struct iovec octets;
    char control[64];
} Envelope;

static int open_socket(int port) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, buffer = 8 << 20;
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (bind(fd, (struct sockaddr *)&local, sizeof local)) {
        perror("farm: bind");
        exit(1);
    }
    return fd;
}

static struct in_pktinfo *info_of(struct msghdr *header) {
    return (struct in_pktinfo *)CMSG_DATA(CMSG_FIRSTHDR(header));
}

static void send_all(int fd, struct mmsghdr *messages, int count) {
    for (int sent = 0; sent < count;) {
        int some = sendmmsg(fd, messages + sent, count - sent, 0);
        if (some <= 0) return;
        sent += some;
    }
}

static void serve(int port, int dead_percent) {
    static u8 received[BATCH][2048];
    static Writer writers[BATCH];
    static Envelope envelopes[BATCH];
    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec buffers[BATCH];
    const struct timespec round_trip = {0, ROUND_TRIP_NS};
    int fd = open_socket(port);
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    getsockname(fd, (struct sockaddr *)&bound, &size);
    printf("ready %d\n", ntohs(bound.sin_port));
    fflush(stdout);
    while (!stopping) {
        for (int i = 0; i < BATCH; i++) {
            buffers[i] = (struct iovec){received[i], sizeof received[i]};
            in[i].msg_hdr = (struct msghdr){&envelopes[i].peer, sizeof envelopes[i].peer, &buffers[i], 1,
                                            envelopes[i].control, sizeof envelopes[i].control, 0};
        }
        int count = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, 0), answered = 0;
        if (count <= 0) {
            nanosleep(&round_trip, 0);
            continue;
        }
        for (int i = 0; i < count; i++) {
            struct in_pktinfo *info = info_of(&in[i].msg_hdr);
            uint32_t device = ntohl(info->ipi_addr.s_addr) - FIRST_DEVICE;
            info->ipi_ifindex = 0;
            info->ipi_spec_dst = info->ipi_addr;
            Writer *w = &writers[answered];
            if ((int)(device % 100) < dead_percent) continue;
            if (answer_message(received[i], in[i].msg_len, device, w)) continue;
            envelopes[i].octets = (struct iovec){w->octets + w->at, sizeof w->octets - w->at};
            out[answered] = in[i];
            out[answered++].msg_hdr.msg_iov = &envelopes[i].octets;
        }
        send_all(fd, out, answered);
    }
}

/* ---------------------------------------------------------------- traps */

static void put_named(Writer *w, const uint32_t *ids, int count, int value_at) {
    u8 oid[32];
    put_element(w, 0x06, oid, encode_oid(oid, ids, count));
    put_header(w, 0x30, value_at - w->at);
}

static void put_trap(Writer *w, uint32_t number) {
    static const uint32_t uptime[] = {1, 3, 6, 1, 2, 1, 1, 3, 0}, trap_oid[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};
    const uint32_t trap[] = {ROOT, 4, 0, 1 + number % 2}, peer[] = {ROOT, 2, 1, 2, 1 + number % 8};
    const uint32_t state[] = {ROOT, 2, 1, 3, 1 + number % 8}, octets[] = {ROOT, 2, 1, 4, 1 + number % 8};
    u8 oid[32];
    int end = start_at(w), at = w->at;
    put_int(w, 0x46, 9876543210123 + number);
    put_named(w, octets, 11, at);
    at = w->at;
    put_int(w, 0x02, 1 + number % 2);
    put_named(w, state, 11, at);
    at = w->at;
    put_element(w, 0x04, "tunnel-peer", 11);
    put_named(w, peer, 11, at);
    at = w->at;
    put_element(w, 0x06, oid, encode_oid(oid, trap, 10));
    put_named(w, trap_oid, 11, at);
    at = w->at;
    put_int(w, 0x43, (int64_t)(100 * (now() - started)));
    put_named(w, uptime, 9, at);
    put_header(w, 0x30, end - w->at);
    put_int(w, 0x02, 0);
    put_int(w, 0x02, 0);
    put_int(w, 0x02, number);
    put_header(w, 0xa7, end - w->at);
}

static void send_traps(int port, uint32_t count, double rate, uint32_t devices) {
    static Writer writers[BATCH];
    static Envelope envelopes[BATCH];
    struct mmsghdr out[BATCH];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = open_socket(0);
    for (uint32_t number = 0; number < count && !stopping;) {
        int batch = 0;
        for (; batch < BATCH && number < count; batch++, number++) {
            uint32_t device = number % devices, wire_id = htonl(0x10000000 + number);
            Slice id = {(const u8 *)&wire_id, 4};
            Envelope *envelope = &envelopes[batch];
            put_trap(&writers[batch], number);
            seal(&writers[batch], device, watcher, id, 3);
            envelope->octets = (struct iovec){writers[batch].octets + writers[batch].at,
                                              sizeof writers[batch].octets - writers[batch].at};
            out[batch].msg_hdr = (struct msghdr){&to, sizeof to, &envelope->octets, 1, envelope->control,
                                                 CMSG_SPACE(sizeof(struct in_pktinfo)), 0};
            struct cmsghdr *head = CMSG_FIRSTHDR(&out[batch].msg_hdr);
            *head = (struct cmsghdr){CMSG_LEN(sizeof(struct in_pktinfo)), IPPROTO_IP, IP_PKTINFO};
            *info_of(&out[batch].msg_hdr) = (struct in_pktinfo){0, {htonl(FIRST_DEVICE + device)}, {0}};
        }
        send_all(fd, out, batch);
        double early = started + number / rate - now();
        if (early > 0) {
            struct timespec pause = {(time_t)early, (long)((early - (time_t)early) * 1e9)};
            nanosleep(&pause, 0);
        }
    }
}

int main(int count, char **arguments) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, 0);
    started = now();
    build_objects();
    cipher = EVP_CIPHER_CTX_new();
    expand("authentic-phrase", auth_master);
    expand("private-phrase", priv_master);
    started = now();
    if (count == 4 && !strcmp(arguments[1], "agents")) {
        serve(atoi(arguments[2]), atoi(arguments[3]));
    } else if (count == 6 && !strcmp(arguments[1], "traps")) {
        send_traps(atoi(arguments[2]), strtoul(arguments[3], 0, 10), atof(arguments[4]), atoi(arguments[5]));
    } else {
        fputs("usage: farm agents PORT DEAD_PERCENT | farm traps PORT COUNT RATE DEVICES\n", stderr);
        return 2;
    }
    return 0;
}
