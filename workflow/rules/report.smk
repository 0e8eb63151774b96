"""The report in PDF. The HTML page is Snakemake's own: snakemake --report."""


rule report:
    input:
        runs=rules.runs.output.runs,
        gathered=rules.runs.output,
        tables=rules.analysis.output,
        figures=rules.figures.output,
    output:
        report(
            f"{RESULTS}/report.pdf",
            category="Report",
            labels={"document": "Report (PDF)"},
            caption="../report/report.rst",
        ),
    log:
        f"{LOGS}/report.log",
    message:
        "Writing the report"
    script:
        "../scripts/write_report.py"
