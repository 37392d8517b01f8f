/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

enum {
    OPTION_DISKS_PER_CONNECTION = 256,
    OPTION_FILL,
    OPTION_OPEN_TOGETHER,
    OPTION_PLUG,
    OPTION_POLL,
    OPTION_TUNING,
    OPTION_VERIFY,
    OPTION_WARM_UP,
    OPTION_ZERO_COPY,
};

static const struct option long_options[] = {
    {"engine", required_argument, NULL, 'e'},
    {"rw", required_argument, NULL, 'm'},
    {"block-size", required_argument, NULL, 'b'},
    {"depth", required_argument, NULL, 'q'},
    {"threads", required_argument, NULL, 'j'},
    {"disks", required_argument, NULL, 'd'},
    {"seconds", required_argument, NULL, 't'},
    {"read-percent", required_argument, NULL, 'r'},
    {"pool", required_argument, NULL, 'p'},
    {"option", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {"disks-per-connection", required_argument, NULL, OPTION_DISKS_PER_CONNECTION},
    {"fill", no_argument, NULL, OPTION_FILL},
    {"open-together", no_argument, NULL, OPTION_OPEN_TOGETHER},
    {"plug", no_argument, NULL, OPTION_PLUG},
    {"poll", no_argument, NULL, OPTION_POLL},
    {"tuning", required_argument, NULL, OPTION_TUNING},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"warm-up", required_argument, NULL, OPTION_WARM_UP},
    {"zero-copy", no_argument, NULL, OPTION_ZERO_COPY},
    {NULL, 0, NULL, 0},
};

static _Noreturn void usage(int status)
{
    fputs("Usage: vdisk-bench [options] CONF IMAGE\n"
          "Reads and writes an image for a while, and prints as JSON what it took.\n"
          "\n"
          "  -e, --engine vdisk|librbd     through libvdisk (default), or librbd with nothing between\n"
          "  -m, --rw MODE                 read, write, rw; randread (default), randwrite, randrw\n"
          "  -r, --read-percent N          how many of a hundred requests of a mixed mode are reads (70)\n"
          "  -b, --block-size BYTES        4096; K, M and G may follow a number\n"
          "  -q, --depth N                 requests in flight in each thread (32)\n"
          "  -j, --threads N               threads, each with a queue of its own (1)\n"
          "  -d, --disks N                 open IMAGE.0 to IMAGE.N-1, and use them in turns (1: IMAGE itself)\n"
          "  -t, --seconds S               how long (3); 0: only opens and closes\n"
          "      --warm-up S               how long before that (0)\n"
          "      --fill                    first write to every offset what --verify expects there\n"
          "      --verify                  look at what is read; counts as CPU time\n"
          "      --zero-copy               let Ceph have the caller's memory (vdisk)\n"
          "      --plug                    submit each batch between plug and unplug (vdisk)\n"
          "      --poll                    sleep in poll(), as an event loop does (vdisk)\n"
          "      --open-together           open all disks at once, on a queue (vdisk)\n"
          "      --disks-per-connection N  how many share a connection (vdisk)\n"
          "      --tuning NAME             none, throughput or footprint (vdisk)\n"
          "  -p, --pool NAME               \"rbd\"\n"
          "  -o, --option KEY=VALUE        a Ceph option, for both engines; can be repeated\n"
          "\n"
          "Writes end with a flush, which is part of the time.\n",
          status ? stderr : stdout);
    exit(status);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    const char *units = "KMG", *unit = *end ? strchr(units, *end) : NULL;

    if (unit) {
        value <<= 10 * (unit - units + 1);
        end++;
    }
    if (end == text || *end || value < least || value > most)
        usage(2);
    return value;
}

static unsigned int small_number(const char *text, unsigned int least, unsigned int most)
{
    return (unsigned int)number(text, least, most);
}

static double duration(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value >= 0 && value <= 86400))
        usage(2);
    return value;
}

static void set_mode(struct job *job, const char *mode, bool *mixed)
{
    job->random = strncmp(mode, "rand", 4) == 0;
    if (job->random)
        mode += 4;
    *mixed = strcmp(mode, "rw") == 0;
    if (strcmp(mode, "read") == 0)
        job->read_percent = 100;
    else if (strcmp(mode, "write") == 0)
        job->read_percent = 0;
    else if (!*mixed)
        usage(2);
}

static void add_option(struct job *job, char *text)
{
    char *equals = strchr(text, '=');

    if (!equals || equals == text || job->option_count == JOB_MAX_OPTIONS)
        usage(2);
    *equals = '\0';
    job->options[job->option_count++] = (struct job_option){.key = text, .value = equals + 1};
}

/* What is only for libvdisk. Returns whether it was such an option. */
static bool set_vdisk_option(struct job *job, int c, const char *argument)
{
    switch (c) {
    case OPTION_DISKS_PER_CONNECTION:
        job->disks_per_connection = small_number(argument, 1, 65536);
        return true;
    case OPTION_OPEN_TOGETHER:
        return job->open_together = true;
    case OPTION_PLUG:
        return job->plug = true;
    case OPTION_POLL:
        return job->poll = true;
    case OPTION_TUNING:
        job->tuning = argument;
        return true;
    case OPTION_ZERO_COPY:
        return job->zero_copy = true;
    default:
        return false;
    }
}

/* How much, and for how long. Returns whether it was such an option. */
static bool set_extent(struct job *job, int c, const char *argument)
{
    switch (c) {
    case 'b':
        job->block_size = number(argument, 512, UINT64_C(32) << 20);
        return true;
    case 'q':
        job->depth = small_number(argument, 1, 4096);
        return true;
    case 'j':
        job->threads = small_number(argument, 1, 256);
        return true;
    case 'd':
        job->disks = small_number(argument, 1, 4096);
        return true;
    case 't':
        job->seconds = duration(argument);
        return true;
    case OPTION_WARM_UP:
        job->warm_up = duration(argument);
        return true;
    default:
        return false;
    }
}

void job_parse(struct job *job, int argc, char **argv)
{
    unsigned int read_percent = 70;
    bool mixed = false;
    int c;

    *job = (struct job){.engine = "vdisk",
                        .pool = "rbd",
                        .disks = 1,
                        .random = true,
                        .read_percent = 100,
                        .block_size = 4096,
                        .depth = 32,
                        .threads = 1,
                        .seconds = 3};
    while ((c = getopt_long(argc, argv, "e:m:b:q:j:d:t:r:p:o:h", long_options, NULL)) != -1) {
        if (c == 'h')
            usage(0);
        else if (c == 'e')
            job->engine = optarg;
        else if (c == 'm')
            set_mode(job, optarg, &mixed);
        else if (c == 'r')
            read_percent = small_number(optarg, 0, 100);
        else if (c == 'p')
            job->pool = optarg;
        else if (c == 'o')
            add_option(job, optarg);
        else if (c == OPTION_FILL)
            job->fill = true;
        else if (c == OPTION_VERIFY)
            job->verify = true;
        else if (!set_extent(job, c, optarg) && !set_vdisk_option(job, c, optarg))
            usage(2);
    }
    if (mixed)
        job->read_percent = read_percent;
    if (argc - optind != 2 || job->block_size % 512 != 0)
        usage(2);
    job->conf = argv[optind];
    job->image = argv[optind + 1];
}

const char *job_image(const struct job *job, unsigned int disk, char *name, unsigned int size)
{
    int length =
        job->disks == 1 ? snprintf(name, size, "%s", job->image) : snprintf(name, size, "%s.%u", job->image, disk);

    if (length < 0 || (unsigned int)length >= size)
        bench_fail("image", "the name is too long");
    return name;
}
