"""The driver: a frozen plan of notebook jobs, run by Snakemake and papermill."""
