# Tasks of survey estimation by R's package survey: the numbers, and the CPU seconds that each takes.
#
#     Rscript benchmarks/peers_survey.R data.csv REPLICATES
#
# Printed, a line each: `time,TASK,SECONDS,MB` and `number,TASK,KEY,ESTIMATE,STD_ERROR`; peers.py reads them.
suppressMessages(library(survey))
given <- commandArgs(trailingOnly = TRUE)
data <- read.csv(given[1])
replicates <- as.integer(given[2])
options(survey.lonely.psu = "fail", digits = 15)

numbers <- function(task, key, estimate, error) {
  cat(sprintf("number,%s,%s,%.15g,%.15g\n", task, key, as.numeric(estimate), as.numeric(error)), sep = "")
}
timed <- function(task, run) {
  invisible(gc(reset = TRUE, full = TRUE))
  before <- sum(gc()[, 2])
  start <- proc.time()
  result <- run()
  used <- sum((proc.time() - start)[c("user.self", "sys.self")])
  most <- sum(gc()[, 6]) - before
  cat(sprintf("time,%s,%.6g,%.4g\n", task, used, most))
  result
}
keyed <- function(task, table, estimate, error) numbers(task, table[[1]], table[[estimate]], table[[error]])

made <- svydesign(ids = ~psu, strata = ~h, weights = ~w, data = data, nest = TRUE)
one <- timed("ratio", function() svyratio(~y0, ~contact, made))
numbers("ratio", "all", coef(one), SE(one))
many <- timed("ratio by domain", function() svyby(~y0, ~d50, made, svyratio, denominator = ~contact))
keyed("ratio by domain", many, 2, 3)
middle <- timed("median by domain", function() svyby(~income, ~d50, made, svyquantile, quantiles = 0.5, keep.var = TRUE))
keyed("median by domain", middle, 2, 3)
fit <- timed("logistic regression", function() {
  svyglm(y0 ~ x0 + x1 + x2 + x3 + x4 + factor(d5) + factor(sex), made, family = quasibinomial(),
         control = glm.control(epsilon = 1e-12, maxit = 50))
})
numbers("logistic regression", seq_along(coef(fit)), coef(fit), SE(fit))
raked <- timed("raking, then a total", function() {
  margins <- list(
    data.frame(sex = c("F", "M"), Freq = c(2.6e6, 2.5e6)), data.frame(d5 = 0:4, Freq = rep(5.1e6 / 5, 5))
  )
  svytotal(~y0, rake(made, list(~sex, ~d5), margins, control = list(maxit = 100, epsilon = 1e-10)))
})
numbers("raking, then a total", "all", coef(raked), SE(raked))
set.seed(1)
drawn <- timed("drawing bootstrap weights", function() as.svrepdesign(made, type = "subbootstrap", replicates = replicates))
again <- timed("ratio by domain, bootstrap", function() svyby(~y0, ~d50, drawn, svyratio, denominator = ~contact))
keyed("ratio by domain, bootstrap", again, 2, 3)
