/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static void print_job(const struct job *job)
{
    printf("  \"job\": {\"engine\": \"%s\", \"random\": %s, \"read_percent\": %u, \"block_size\": %" PRIu64
           ", \"depth\": %u, \"threads\": %u, \"disks\": %u, \"zero_copy\": %s, \"plug\": %s, \"verify\": %s},\n",
           job->engine, boolean(job->random), job->read_percent, job->block_size, job->depth, job->threads, job->disks,
           boolean(job->zero_copy), boolean(job->plug), boolean(job->verify));
}

static void print_opening(const struct job *job, const struct report *report)
{
    printf("  \"opening\": {\"disks\": %u, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"threads\": %u, \"rss_kib\": "
           "%" PRIu64 "},\n",
           job->disks, report->opening.time, report->opening.user + report->opening.system, report->opened.threads,
           report->opened.rss_kib);
}

static void print_latency(const struct histogram *latency)
{
    static const struct {
        const char *name;
        double part;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}, {"p99_99", 0.9999}};

    printf("  \"latency_us\": {\"least\": %.1f, \"mean\": %.1f", (double)latency->least / 1e3,
           histogram_mean(latency) / 1e3);
    for (unsigned int i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        printf(", \"%s\": %.1f", quantiles[i].name, (double)histogram_quantile(latency, quantiles[i].part) / 1e3);
    printf(", \"most\": %.1f},\n", (double)latency->most / 1e3);
}

static double per(double value, double count)
{
    return count > 0 ? value / count : 0;
}

static void print_run(const struct report *report)
{
    const struct usage *run = &report->run;
    double requests = (double)report->latency.count, cpu = run->user + run->system;

    printf("  \"requests\": %" PRIu64 ", \"seconds\": %.6f, \"iops\": %.1f, \"mb_per_s\": %.3f,\n",
           report->latency.count, run->time, per(requests, run->time), per((double)report->bytes / 1e6, run->time));
    printf("  \"cpu_us_per_request\": %.3f, \"user_seconds\": %.6f, \"system_seconds\": %.6f,\n",
           per(cpu * 1e6, requests), run->user, run->system);
    printf("  \"voluntary_switches\": %ld, \"involuntary_switches\": %ld, \"switches_per_request\": %.3f,\n",
           run->voluntary_switches, run->involuntary_switches,
           per((double)(run->voluntary_switches + run->involuntary_switches), requests));
    print_latency(&report->latency);
    printf("  \"threads\": %u, \"rss_kib\": %" PRIu64 ", \"peak_rss_kib\": %" PRIu64 "\n", report->after.threads,
           report->after.rss_kib, report->after.peak_rss_kib);
}

void report_print(const struct job *job, const struct report *report)
{
    puts("{");
    print_job(job);
    print_opening(job, report);
    print_run(report);
    puts("}");
}
