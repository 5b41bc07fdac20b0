//! `eval` of models that answer questions: exact answers by depth and difficulty.

use pollster::block_on;
use serde::Serialize;
use trm_data::Dataset;
use trm_data::questions::Question;
use trm_spec::{Failure, QuestionScores, RunConfig};
use trm_train::checkpoint::Header;
use trm_train::{QuestionSet, Run, create_on, few_shot, open_llm, question_baselines};

use super::baselines;
use super::load::load_on;
use super::short_answers::{self, ShortAnswers};
use crate::args;
use crate::inputs::dataset;
use crate::inputs::features;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::machine::interrupt;
use crate::terminal::count::{counted, thousands};
use crate::terminal::output::{print, print_json};
use crate::terminal::progress::LineProgress;
use crate::terminal::report::{say, usage};

#[derive(Serialize)]
struct Document {
    dataset: String,
    /// Held out, of the difficulties that were trained.
    val: QuestionScores,
    /// Harder than any that was trained; of generated questions only.
    harder: Option<QuestionScores>,
    /// Of a file of `--test` whose answers have short ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    short_answers: Option<ShortAnswers>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    baselines: Vec<Compared>,
}

/// A model of the comparison.
#[derive(Serialize)]
struct Compared {
    model: String,
    /// Trained weights, the measured buffers included; 0 of the frozen model.
    parameters: usize,
    /// Share of the held-out questions that are answered exactly.
    val: f64,
    /// The same of the harder ones.
    harder: Option<f64>,
}

/// Evaluates the model at `typed.checkpoint`.
///
/// # Errors
/// If the checkpoint, its data or its base cannot be read, or do not fit.
pub fn evaluate(
    typed: &args::Eval,
    header: &Header,
    bytes: &[u8],
    device: &OpenDevice,
) -> anyhow::Result<()> {
    if typed.grade.is_some()
        || typed.stride.is_some()
        || typed.split.is_some()
        || typed.inner_steps.is_some()
    {
        return Err(usage!(
            "--stride, --grade, --split and --inner-steps are not for question models; \
             score all questions of a file with --test"
        ));
    }
    if typed.test.is_some() && typed.baselines {
        return Err(usage!(
            "--baselines trains models, and the questions of --test are only scored"
        ));
    }
    let config = &header.config;
    let given = typed.test.as_deref().or(typed.data.as_deref());
    let data = dataset::open(config, given, typed.as_text)?;
    let other = data.other_than(&config.data.dataset);
    if let (Some(other), None) = (&other, &typed.test) {
        say!(
            "{other} is not what the run was trained on ({}): its held-out questions are scored, and the run may have been trained on some of them",
            config.data.dataset
        );
    }
    let base = BaseOnDisk::needed(header, &typed.checkpoint, typed.base.as_deref())?;
    let file = base.as_ref().map(BaseOnDisk::file);
    let questions = match &typed.test {
        Some(path) => data
            .test_questions()
            .ok_or_else(|| usage!("{} holds no questions", path.display()))?
            .into(),
        None => data.load(config, None)?,
    };
    let run = load_on(typed, bytes, questions.clone(), file, device)?;
    let trained = config.model.depth();
    let deepest = typed.depths.as_ref().and_then(|depths| depths.iter().max().copied());
    let steps = deepest.unwrap_or(trained + EXTRA_STEPS);
    say!(
        "{}: step {}; {}; {}",
        typed.checkpoint.display(),
        run.summary().step,
        data.title(),
        device.name
    );
    let scored = |set| -> Result<QuestionScores, Failure> {
        let mut on_progress = LineProgress::new("questions").callback();
        let scores = run.answerer()?.evaluate_questions(set, steps, 0, &mut on_progress);
        let mut scores = block_on(scores)?;
        if let Some(depths) = &typed.depths {
            scores.steps.retain(|row| depths.contains(&row.step));
        }
        Ok(scores)
    };
    let val = scored(QuestionSet::Val)?;
    // Questions of a file have no harder set.
    let harder = if has_harder(run.as_ref()) { Some(scored(QuestionSet::Harder)?) } else { None };
    let short_answers = match (&questions, &typed.test) {
        (Dataset::Questions(set), Some(_)) => {
            short_answers::score(run.answerer()?, &set.val, deepest.unwrap_or(trained))?
        }
        _ => None,
    };
    let baselines = match (&base, typed.baselines) {
        (Some(base), true) => compare(config, &questions, base, device)?,
        _ => Vec::new(),
    };
    if typed.json {
        let dataset = data.title().into();
        return print_json(&Document { dataset, val, harder, short_answers, baselines });
    }
    let what = match (&typed.test, &other) {
        (Some(path), _) => format!("questions of {}", path.display()),
        (None, Some(other)) => format!("questions held out of {other}"),
        (None, None) => "questions that the model was not trained on".into(),
    };
    print_scores(&what, &val, trained)?;
    if let Some(short) = &short_answers {
        print(&format!(
            "written after step {}: {:.1} % of the answers are right after the last `#### `",
            short.step,
            short.exact * 100.0
        ))?;
    }
    if let Some(harder) = &harder {
        print_scores("harder questions than any that it was trained on", harder, trained)?;
    }
    if !baselines.is_empty() {
        print("model                                              parameters  held out   harder")?;
    }
    for row in &baselines {
        let harder = row.harder.map_or("–".into(), |share| format!("{:.1} %", share * 100.0));
        print(&format!(
            "{:49}  {:>10}  {:6.1} %  {harder:>7}",
            row.model,
            thousands(row.parameters as u64),
            row.val * 100.0
        ))?;
    }
    Ok(())
}

/// Examples before a question for the frozen model alone, and questions that it is asked.
const SHOTS: usize = 3;
const ASKED: usize = 64;

/// The frozen model alone, and the baselines, trained with the settings of the run; each is
/// scored with the weights of its best validation, as the run is.
fn compare(
    config: &RunConfig,
    questions: &Dataset,
    base: &BaseOnDisk,
    device: &OpenDevice,
) -> anyhow::Result<Vec<Compared>> {
    // Where training has kept the states of these questions, they are there already.
    let questions = features::cached(questions.clone(), config, Some(base), device)?;
    let Dataset::Questions(set) = &questions else { return Ok(Vec::new()) };
    let frozen = open_llm(config, base.file(), &device.device)?;
    let rows = set.train_rows(config.train.seed, 0, SHOTS.min(set.train.len()), usize::MAX);
    let examples: Vec<_> = rows.into_iter().map(|row| set.train[row].clone()).collect();
    let alone = |asked: &[Question]| {
        block_on(few_shot(&frozen, &examples, &asked[..asked.len().min(ASKED)]))
    };
    let asked = ASKED.min(set.val.len());
    let mut found = vec![Compared {
        model: format!("base alone, few-shot ({})", counted(asked, "questions")),
        parameters: 0,
        val: alone(&set.val)?,
        harder: (!set.harder.is_empty()).then(|| alone(&set.harder)).transpose()?,
    }];
    for (name, config) in question_baselines(config)? {
        interrupt::check()?;
        let file = Some(base.file());
        let mut run = create_on(&config, questions.clone(), file, &device.device)?;
        let (val, harder) = baselines::train(
            (name, "of the held-out questions answered exactly"),
            &mut *run,
            &config.train,
            |run, val| {
                if set.harder.is_empty() {
                    return Ok((val.exact_accuracy, None));
                }
                let depth = run.summary().config.model.depth();
                let answerer = run.answerer()?;
                let set = QuestionSet::Harder;
                let scores = block_on(answerer.evaluate_questions(set, depth, 0, &mut |_, _| ()))?;
                Ok((val.exact_accuracy, scores.steps.last().map(|row| row.exact)))
            },
        )?;
        found.push(Compared {
            model: name.into(),
            parameters: run.summary().parameters,
            val: val.unwrap_or(f64::NAN),
            harder,
        });
    }
    Ok(found)
}

/// Supervision steps beyond the trained ones.
const EXTRA_STEPS: usize = 4;

fn has_harder(run: &dyn Run) -> bool {
    run.answerer().is_ok_and(|answerer| {
        let mut no_progress = |_, _| ();
        let set = QuestionSet::Harder;
        block_on(answerer.evaluate_questions(set, 0, 1, &mut no_progress)).is_ok()
    })
}

fn print_scores(what: &str, scores: &QuestionScores, trained: usize) -> anyhow::Result<()> {
    print(&format!("{} {what}", scores.questions))?;
    print("step    loss  exact answers  halting probability")?;
    for row in &scores.steps {
        let note = match row.step {
            0 => "  without recursion",
            step if step == trained => "  as trained",
            _ => "",
        };
        print(&format!(
            "{:4}  {:6.4}  {:11.1} %  {:17.1} %{note}",
            row.step,
            row.loss,
            row.exact * 100.0,
            row.halt * 100.0
        ))?;
    }
    // Of the steps that are run, the trained ones at most.
    let most = scores.steps.last().map_or(trained, |row| row.step.min(trained));
    print(&format!(
        "halting above {}, after {most} steps at the latest: {:.2} steps, {:.1} % exact; \
         <think> after {:.1} % of the questions",
        scores.halting.threshold,
        scores.halting.steps,
        scores.halting.exact * 100.0,
        scores.think * 100.0
    ))?;
    if scores.difficulties.len() > 1 {
        let steps = scores.difficulties[0].exact.len();
        let heads: Vec<_> = (0..steps).map(|step| format!("{step:>7}")).collect();
        print(&format!("difficulty  questions  exact % by step {}", heads.concat()))?;
        for row in &scores.difficulties {
            let shares: Vec<_> =
                row.exact.iter().map(|share| format!("{:7.1}", share * 100.0)).collect();
            print(&format!(
                "{:10}  {:9}  {:15} {}",
                row.difficulty,
                row.questions,
                "",
                shares.concat()
            ))?;
        }
    }
    Ok(())
}
