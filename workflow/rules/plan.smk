"""What a study will tell, before anything trains. Nothing here imports TensorFlow."""


rule plan_design:
    output:
        table=f"{RESULTS}/plan/plan.csv",
        page=f"{RESULTS}/plan/plan.html",
    log:
        f"{LOGS}/plan_design.log",
    params:
        design=config["design"],
        planning=config["planning"],
        factors=config["factors"],
        analysis=config["analysis"],
        replicates=config["replicates"],
        seed=config["seed"],
    message:
        "Planning the design"
    script:
        "../scripts/plan_design.py"
