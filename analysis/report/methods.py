"""Methods in prose with references, and what the study cannot say."""

from __future__ import annotations

from analysis import words
from analysis.questions.power import POWER
from analysis.report import block
from analysis.report.content import Content

REFERENCES = (
    "Bell, R. M. & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear "
    "regression with multi-stage samples. Survey Methodology 28, 169–181.",
    "Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate: a practical and "
    "powerful approach to multiple testing. Journal of the Royal Statistical Society B 57, "
    "289–300.",
    "Berger, R. L. (1982). Multiparameter hypothesis testing and acceptance sampling. "
    "Technometrics 24, 295–300.",
    "Box, G. E. P. & Draper, N. R. (2007). Response Surfaces, Mixtures, and Ridge Analyses. "
    "2nd ed., Wiley.",
    "Derringer, G. & Suich, R. (1980). Simultaneous optimization of several response variables. "
    "Journal of Quality Technology 12, 214–219.",
    "Guo, C., Pleiss, G., Sun, Y. & Weinberger, K. Q. (2017). On calibration of modern neural "
    "networks. Proceedings of ICML 2017.",
    "Hothorn, T., Bretz, F. & Westfall, P. (2008). Simultaneous inference in general parametric "
    "models. Biometrical Journal 50, 346–363.",
    "Hsu, J. C. (1984). Constrained simultaneous confidence intervals for multiple comparisons "
    "with the best. Annals of Statistics 12, 1136–1144.",
    "Hutter, F., Hoos, H. & Leyton-Brown, K. (2014). An efficient approach for assessing "
    "hyperparameter importance. Proceedings of ICML 2014, 754–762.",
    "Kenward, M. G. & Roger, J. H. (1997). Small sample inference for fixed effects from "
    "restricted maximum likelihood. Biometrics 53, 983–997.",
    "Kuznetsova, A., Brockhoff, P. B. & Christensen, R. H. B. (2017). lmerTest package: tests in "
    "linear mixed effects models. Journal of Statistical Software 82(13).",
    "Lenth, R. V. (2009). Response-surface methods in R, using rsm. Journal of Statistical "
    "Software 32(7).",
    "McNemar, Q. (1947). Note on the sampling error of the difference between correlated "
    "proportions or percentages. Psychometrika 12, 153–157.",
    "Pinheiro, J. C. & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer.",
    "Pustejovsky, J. E. & Tipton, E. (2018). Small-sample methods for cluster-robust variance "
    "estimation and hypothesis testing in fixed effects models. Journal of Business & Economic "
    "Statistics 36, 672–683.",
    "Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics 9, 130–134.",
    "Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power "
    "approach for assessing the equivalence of average bioavailability. Journal of "
    "Pharmacokinetics and Biopharmaceutics 15, 657–680.",
    "The published study this project starts from: arXiv 2501.00241.",
)
RECOMMENDED = (
    "Only settings that were run are compared, by Hsu's (1984) comparisons with the best: "
    "one could be the best as long as no other is shown to be better. Among them the "
    "config's rule decides, by default desirability over all metrics."
)
SURFACES = (
    "The stationary point, its nature and the canonical axes follow Box & Draper "
    "(2007) and Lenth (2009). The best fitted point is searched only where the model "
    "knows something: the settings that were run, and what lies between them in "
    "continuous factors. Its interval and those of the prices hold for all of these at "
    "once (Hothorn, Bretz & Westfall 2008), since the point was chosen among them. A cell "
    "is on the Pareto front if no other is at least as good in all of its metrics "
    "and better in one. Desirability is that of Derringer & Suich (1980)."
)


def methods(content: Content) -> list[block.Block]:
    blocks: list[block.Block] = []
    for title, text in (
        ("Model", _model(content)),
        ("Three estimators", _estimators(content)),
        ("Intervals, p and q", _intervals(content)),
        ("The recommended setting", RECOMMENDED),
        ("Surfaces and trade-offs", SURFACES),
        ("Variability, importance, power", _variability(content)),
    ):
        blocks += [block.heading(title), block.paragraph(text)]
    return [*blocks, block.heading("References"), {"type": "references", "items": list(REFERENCES)}]


def _model(content: Content) -> str:
    model = (
        f"the terms {content.settings.formula}"
        if content.settings.formula
        else f"a full polynomial of degree {content.settings.degree}"
        if content.settings.degree
        else "the largest polynomial of up to the second degree that its runs can estimate"
    )
    transformed = [
        f"{words.name(metric.name)} as {metric.scale.unit}"
        for metric in content.settings.metrics
        if metric.transform is not None
    ]
    on_scale = (
        f" Analysed on another scale: {words.listed(transformed)}. Coefficients, residuals, "
        "variances and eigenvalues are on that scale; fitted means and the ends of their "
        "intervals are transformed back, and differences of them have intervals by the delta "
        "method (as emmeans for R has it)."
        if transformed
        else ""
    )
    return (
        f"Each metric is explained by {model} in the coded factors (Box & Draper 2007; "
        "vocabulary and checks after Lenth 2009). A numeric factor is taken on its own "
        "scale (logarithmic for learning rates), centred and divided by half of its range, "
        "so that a coefficient is the difference over half the range; a categorical factor has "
        "sum-to-zero contrasts. The absolute framing explains the metric and counts from "
        "the centre of the design; the relative framing explains the difference to the "
        "baseline on the same replicate and counts from the baseline's own settings."
        f"{on_scale}"
    )


def _estimators(content: Content) -> str:
    if content.study.runs["trajectory"].duplicated().any():
        return (
            "Runs that share a training run have correlated errors: epochs is the sub-plot "
            "factor of a split-plot design, the others are whole-plot factors. Classical least "
            "squares ignores that and calls whole-plot factors significant too easily and epochs "
            "too rarely; it is reported because published analyses use it. The second "
            "estimator keeps the fit and takes cluster-robust standard errors by trajectory (CR2 "
            "with Satterthwaite's degrees of freedom; Bell & McCaffrey 2002, Pustejovsky & Tipton "
            "2018). The third, on which conclusions rest, is a linear mixed model with fixed "
            "blocks and a random intercept for each trajectory, fitted by restricted "
            "maximum likelihood (Pinheiro & Bates 2000), with Satterthwaite's degrees of freedom "
            "as in lmerTest (Kuznetsova et al. 2017)."
        )
    return (
        "They differ where several runs share a training run, such as its states "
        "after 1, 2 and 3 epochs, and so have correlated errors. Here every run is a "
        "training run of its own, and classical least squares is right where the scatter "
        "is even. The second estimator keeps the fit and takes standard errors (HC3) that "
        "also hold where it is not. The third, on which conclusions rest, is least squares "
        "with fixed blocks."
    )


def _intervals(content: Content) -> str:
    return (
        "Whether a factor matters is one test of all terms that contain it (F; in a split plot "
        "by Kenward & Roger 1997). q-values control the false discovery rate (Benjamini & "
        "Hochberg 1995) over the factors of a metric, over its pairs, and, for single terms, "
        f"over the terms of one fit. A factor is shown if q < {content.settings.alpha:g}. How much "
        "is the largest difference between its levels, with an interval that holds for all of them "
        "at once (Hothorn, Bretz & Westfall 2008), on average over the settings that were run "
        "and where it is largest. Bands of curves hold for the whole curve; the intervals "
        f"inside them at each point. All intervals are {content.percent} intervals."
    )


def _variability(content: Content) -> str:
    return (
        "Importance is measured in two ways: by type II sums of squares of the polynomial, "
        "less what chance adds to them, and by functional ANOVA (Hutter et al. 2014), which "
        "needs no polynomial. Intervals of the former are simulated from the estimates' "
        "multivariate t. Cells "
        "are compared with the baseline on the same texts, each of which counts once for all "
        "replicates, by an exact sign-flip test (McNemar's, 1947, where no text is shared) "
        "and a Bayesian bootstrap (Rubin 1981), where predictions were stored, corrected over "
        "the grid. The smallest detectable difference of a factor is the one whose joint "
        f"test has q < {content.settings.alpha:g} with probability {POWER:g} in another study of "
        "this design, averaged over what the error variance may be, given its estimate. The "
        "expected calibration error is that of Guo et al. (2017)."
    )


def limits(content: Content) -> list[block.Block]:
    runs, source = content.study.runs, content.study.provenance.get("source", {})
    sentences = [
        "It holds for the levels studied, and for the model and data they were run on. Outside of "
        "them the polynomial is no guide.",
        "The best of many means is too good: part of its lead is luck. A new replicate of the "
        "chosen settings would tell how much.",
        "What is not detected may exist below the size that these runs would have shown.",
        *content.found(section="confounding", kind="not_assigned"),
    ]
    replicates = runs["replicate"].nunique() if "replicate" in runs else 1
    if replicates < 2:
        sentences.append(
            "There is one replicate: the spread between repeated runs, and with it pure error "
            "and lack of fit, cannot be estimated."
        )
    elif replicates < 5:
        sentences.append(
            f"There are {replicates} replicates: intervals of single cells are wide, and "
            "variance between replicates is known only roughly."
        )
    if source.get("kind") == "embedded":
        sentences.append(
            "It ran on the embedded model and sentences. Directions may carry over to larger "
            "models; sizes should not be expected to."
        )
    if runs["trajectory"].duplicated().any():
        sentences.append(
            "Cells of one trajectory are one training run seen at several times: they hold "
            "less information than as many independent runs."
        )
    blocks = [
        {
            "type": "sentences",
            "items": [{"text": s, "significant": False} for s in sentences],
        }
    ]
    notes = content.rows("notes")
    if len(notes):
        blocks.append(block.heading("What this table did not allow"))
        items = [{"text": str(s), "significant": False} for s in dict.fromkeys(notes["sentence"])]
        blocks.append({"type": "sentences", "items": items})
    return blocks
