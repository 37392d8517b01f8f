/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads and writes disks through libvdisk, or through librbd with nothing between, and says what it took. One run of
 * one engine: tests/bench/compare alternates them, and other programs too.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "fail.h"
#include "job.h"
#include "report.h"
#include "usage.h"
#include "worker.h"

static const struct engine *find_engine(const char *name)
{
    static const struct engine *engines[] = {&engine_vdisk, &engine_librbd};

    for (unsigned int i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    }
    bench_fail(name, "no such engine");
}

static void run_workers(struct worker *workers, const struct job *job, double seconds)
{
    for (unsigned int i = 0; i < job->threads; i++)
        worker_start(&workers[i], seconds);
    for (unsigned int i = 0; i < job->threads; i++)
        worker_join(&workers[i]);
}

static void measure(struct report *report, struct worker *workers, const struct job *job, const struct engine *engine,
                    void *disks)
{
    struct usage start;

    if (job->warm_up > 0)
        run_workers(workers, job, job->warm_up);
    start = usage_now();
    run_workers(workers, job, job->seconds);
    if (job->read_percent < 100)
        engine->flush(disks);
    report->run = usage_since(&start);
    report->after = footprint_now();
    for (unsigned int i = 0; i < job->threads; i++) {
        histogram_merge(&report->latency, &workers[i].latency);
        report->bytes += workers[i].bytes;
    }
}

static void use_disks(struct report *report, const struct job *job, const struct engine *engine, void *disks)
{
    struct worker *workers = bench_alloc(job->threads, sizeof *workers);

    for (unsigned int i = 0; i < job->threads; i++)
        worker_init(&workers[i], job, engine, disks, i);
    if (job->fill) {
        worker_fill(&workers[0]);
        engine->flush(disks);
    }
    if (job->seconds > 0)
        measure(report, workers, job, engine, disks);
    for (unsigned int i = 0; i < job->threads; i++)
        worker_destroy(&workers[i]);
    free(workers);
}

int main(int argc, char **argv)
{
    static struct report report;
    const struct engine *engine;
    struct usage start;
    struct job job;
    void *disks;

    job_parse(&job, argc, argv);
    engine = find_engine(job.engine);
    start = usage_now();
    disks = engine->open(&job);
    report.opening = usage_since(&start);
    report.opened = report.after = footprint_now();
    use_disks(&report, &job, engine, disks);
    engine->close(disks);
    report_print(&job, &report);
    return 0;
}
