# Milliseconds of CPU that COINr takes for a replication of a composite: weights, normalisation and aggregation varied.
#
#     Rscript benchmarks/composite_coinr.R values.csv REPLICATIONS
#
# values.csv has a row a unit: uCode, then the indicators in six groups of equal size. Errors of the data are not drawn,
# which is in COINr's favour. The last line printed is the figure; composite_speed.py reads it.
suppressMessages(library(COINr))
given <- commandArgs(trailingOnly = TRUE)
values <- read.csv(given[1], check.names = FALSE)
replications <- as.integer(given[2])
names_of <- setdiff(names(values), "uCode")
groups <- paste0("g", rep(1:6, each = length(names_of) / 6))
values$uName <- values$uCode
meta <- data.frame(
  Level = c(rep(1, length(names_of)), rep(2, 6), 3),
  iCode = c(names_of, unique(groups), "Index"),
  iName = c(names_of, unique(groups), "Index"),
  Direction = 1, Weight = 1,
  Parent = c(groups, rep("Index", 6), NA),
  Type = c(rep("Indicator", length(names_of)), rep("Aggregate", 7))
)
quiet <- function(x) suppressMessages(suppressWarnings(x))
coin <- quiet(new_coin(values, meta, level_names = c("Indicator", "Group", "Index"), quietly = TRUE))
coin <- quiet(Normalise(coin, dset = "Raw", global_specs = list(f_n = "n_minmax", f_n_para = list(l_u = c(1, 100)))))
coin <- quiet(Aggregate(coin, dset = "Normalised", f_ag = c("a_amean", "a_amean")))
weights <- get_noisy_weights(
  coin$Meta$Weights$Original, data.frame(Level = c(1, 2), NoiseFactor = c(.25, .25)), Nrep = 50
)
varied <- list(
  Normalisation = list(
    Address = "$Log$Normalise$global_specs", Type = "discrete",
    Distribution = list(
      list(f_n = "n_minmax", f_n_para = list(l_u = c(1, 100))), list(f_n = "n_zscore", f_n_para = list(m_sd = c(50, 10)))
    )
  ),
  Weights = list(Address = "$Log$Aggregate$w", Type = "discrete", Distribution = weights),
  Aggregation = list(
    Address = "$Log$Aggregate$f_ag", Type = "discrete",
    Distribution = list(c("a_amean", "a_amean"), c("a_amean", "a_gmean"))
  )
)
start <- proc.time()
found <- quiet(get_sensitivity(
  coin, SA_specs = varied, N = replications, SA_type = "UA", dset = "Aggregated", iCode = "Index", quietly = TRUE,
  check_addresses = FALSE
))
used <- sum((proc.time() - start)[c("user.self", "sys.self")])
cat(1000 * used / replications, "\n")
