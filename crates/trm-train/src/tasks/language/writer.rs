//! What a run of a language model can do beside training: generate, draft, score.

use async_trait::async_trait;
use trm_core::{Autoregressive, State};
use trm_data::{Split, TextDataset, encode};
use trm_spec::{Failure, FailureKind, GenerateOptions, Trace};

use super::evaluate::evaluate;
use super::generate::{Generation, Overflow, last_positions};
use super::objective::LanguageTask;
use crate::checks::{check_depth, check_model_depth, check_temperature, check_tokens};
use crate::run::{Evaluation, OnProgress, Scoring, TextStream, TraceRequest, Writer};
use crate::trace::{Recorder, empty_row};
use crate::train_run::TrainRun;
use crate::transfer::tokens;

impl<M: Autoregressive> LanguageTask<M> {
    /// Losses on the validation split.
    ///
    /// # Errors
    /// If there is none, or a depth or the stride cannot be used.
    pub(super) async fn score(
        &self,
        model: &M,
        corpus: &TextDataset,
        scoring: &Scoring,
        on_progress: OnProgress<'_>,
    ) -> Result<Evaluation, Failure> {
        if corpus.len(Split::Val) < 2 {
            return Err(Failure::new(
                FailureKind::Data,
                "there is no validation split",
                "Start the run with val_fraction above 0.",
            ));
        }
        for depth in &scoring.depths {
            check_depth(*depth)?;
        }
        evaluate(self, model, corpus, scoring, on_progress).await
    }
}

#[async_trait(?Send)]
impl<M: Autoregressive + 'static> Writer for TrainRun<M, LanguageTask<M>> {
    fn encode(&self, prompt: &str) -> Result<Vec<u32>, Failure> {
        let tokens = encode(&self.vocab, prompt)
            .map_err(|error| Failure::new(FailureKind::Prompt, error.to_string(), error.hint()))?;
        if !tokens.is_empty() {
            return Ok(tokens);
        }
        // Without a prompt, text starts as if after a line's end, where the vocabulary
        // has one.
        Ok(encode(&self.vocab, "\n").unwrap_or_else(|_| vec![0]))
    }

    fn generate(&self, options: &GenerateOptions) -> Result<Box<dyn TextStream>, Failure> {
        check_model_depth(&self.config.model, options.depth)?;
        check_temperature(options.temperature)?;
        let prompt = self.encode(&options.prompt)?;
        let (model, name) = (self.optimization.inference_model(), self.config.model.name());
        if options.draft_depth > 0 && !model.has_extend_cycles() {
            return Err(Failure::new(
                FailureKind::Config,
                format!("a `{name}` model cannot draft tokens with its first cycles"),
                "Leave the draft depth out; models that predict one token at a time with a \
                 recursion can draft.",
            ));
        }
        if options.draft_depth > 0 && options.draft_depth >= options.depth {
            return Err(Failure::new(
                FailureKind::Config,
                format!(
                    "the draft depth {} is not below the depth {}",
                    options.draft_depth, options.depth
                ),
                "Choose a smaller draft depth, for example 1.",
            ));
        }
        let generation = Generation::new(model, &self.vocab, prompt, options, Overflow::Half);
        Ok(Box::new(generation.named(name)))
    }

    async fn draft(&self, request: &TraceRequest) -> Result<Trace, Failure> {
        check_model_depth(&self.config.model, request.depth)?;
        let model = self.optimization.inference_model();
        let [row] = &request.tokens[..] else {
            return Err(Failure::new(
                FailureKind::Prompt,
                format!("{} texts cannot be continued at once", request.tokens.len()),
                "Give one.",
            ));
        };
        check_tokens(row, self.vocab.size())?;
        // As far back as generation would look.
        let context = &row[row.len().saturating_sub(model.context_size())..];
        if context.is_empty() {
            return Err(empty_row());
        }
        let ahead = model.ahead();
        let input = tokens(context, context.len(), &model.device());
        let mut recorder: Option<Recorder<M>> = None;
        let mut cache = model.cache(request.depth);
        model.extend(input, &mut cache, &mut |_, state| {
            let state = last_positions(state.clone(), ahead);
            // The first change is measured from zero.
            let zero = || state.clone().map(&mut |part| part.zeros_like());
            let recorder = recorder.get_or_insert_with(|| Recorder::new(&model, zero(), None));
            recorder.record(&state, |_| Vec::new());
        });
        let recorder = recorder.expect("there is a first cycle");
        recorder.finish(self.config.model.name(), request, &[ahead]).await
    }

    async fn score(
        &self,
        scoring: &Scoring,
        on_progress: OnProgress<'_>,
    ) -> Result<Evaluation, Failure> {
        for depth in &scoring.depths {
            check_model_depth(&self.config.model, *depth)?;
        }
        let model = self.optimization.inference_model();
        self.task.score(&model, self.data()?, scoring, on_progress).await
    }
}
