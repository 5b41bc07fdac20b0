//! Generated tokens: the text that each adds, and the cycles that made them.

use crate::support::kinds::{depth, honest};
use crate::support::{start, tiny, wait};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use trm_core::Init;
use trm_core::models::chat_trm::ChatTrm;
use trm_spec::{
    Candidate, FailureKind, GenerateOptions, Generated, Tokenizer, Trace, VariantSpec, Vocab,
};
use trm_train::{Generation, LanguageTask, Overflow, Run, TextStream, TraceRequest, TrainRun};

const PROMPT: &str = "To be, or";

fn options(prompt: &str, tokens: usize, temperature: f64) -> GenerateOptions {
    GenerateOptions {
        prompt: prompt.into(),
        depth: 3,
        draft_depth: 0,
        temperature,
        top_k: 0,
        seed: 11,
        max_new_tokens: tokens,
    }
}

/// Everything that pulls of `sizes` tokens give.
fn pulled(
    run: &dyn Run,
    options: &GenerateOptions,
    sizes: &[usize],
    trace: bool,
) -> Vec<Generated> {
    let mut stream = run.writer().unwrap().generate(options).unwrap();
    sizes.iter().map(|size| wait(stream.pull(*size, trace)).unwrap()).collect()
}

/// Of every position in turn, the answer after cycle number `cycle`.
fn answers(trace: &Trace, cycle: usize) -> Vec<(u32, f32, f32)> {
    let step = &trace.steps[cycle];
    let values = step.argmax[0].iter().zip(&step.prob[0]).zip(&step.entropy[0]);
    values.map(|((argmax, prob), entropy)| (*argmax, *prob, *entropy)).collect()
}

/// Tracing changes no token, and shows what a trace of the whole text shows.
#[test]
fn pulled_tokens_come_with_the_cycles_that_made_them() {
    for config in honest() {
        let run = start(&config);
        let said = serde_json::to_string(&config.model).unwrap();
        // Few enough to stay within the block.
        let depth = depth(&config, 3);
        let options = GenerateOptions { depth, ..options(PROMPT, 6, 1.0) };
        let plain = pulled(&*run, &options, &[6], false).remove(0);
        assert!(plain.trace.is_none() && plain.done);
        let traced = pulled(&*run, &options, &[4, 2], true);
        let tokens: Vec<u32> = traced.iter().flat_map(|part| part.tokens.clone()).collect();
        assert_eq!(tokens, plain.tokens, "{said}");
        let prompt = run.writer().unwrap().encode(PROMPT).unwrap();
        if config.model.chunk_size() > 1 {
            // A chunk starts after the prompt, not at a multiple of its size.
            let request =
                TraceRequest { tokens: vec![prompt], depth, top: 10, ..Default::default() };
            let draft = wait(run.writer().unwrap().draft(&request)).unwrap();
            let trace = traced[0].trace.as_ref().unwrap();
            // A draft continues with its own best tokens, not with the drawn ones.
            let drawn_alone =
                matches!(&config.model, VariantSpec::ChunkLm(spec) if spec.readout_context > 0);
            let together = if drawn_alone { 1 } else { config.model.chunk_size() };
            for cycle in 0..depth {
                let count = trace.tokens[0].len().min(together);
                assert_eq!(
                    answers(trace, cycle)[..count],
                    answers(&draft, cycle)[..count],
                    "{said}"
                );
                assert_eq!(trace.steps[cycle].top[0][..count], draft.steps[cycle].top[0][..count]);
            }
            continue;
        }
        let row: Vec<u32> = prompt.iter().chain(&tokens).copied().collect();
        let request = TraceRequest { tokens: vec![row], depth, ..TraceRequest::default() };
        let whole = wait(run.trace(&request)).unwrap();
        for cycle in 0..depth {
            let found = traced.iter().flat_map(|part| answers(part.trace.as_ref().unwrap(), cycle));
            let expected = answers(&whole, cycle);
            for (found, expected) in found.zip(&expected[prompt.len() - 1..]) {
                assert!((found.1 - expected.1).abs() < 1e-4, "{said}: {found:?} for {expected:?}");
                assert!((found.2 - expected.2).abs() < 1e-4, "{said}: {found:?} for {expected:?}");
            }
        }
        let trace = traced[1].trace.as_ref().unwrap();
        assert_eq!((trace.depth, trace.steps.len()), (depth, depth));
        assert_eq!(trace.variant, config.model.name());
        assert_eq!(trace.tokens, [traced[1].tokens.clone()]);
        assert!(trace.steps.iter().all(|step| step.state_rms > 0.0 && step.state_change > 0.0));
    }
}

/// With greedy sampling, every token is the last cycle's answer.
#[test]
fn greedy_tokens_are_the_last_answers() {
    for config in honest() {
        let run = start(&config);
        let depth = depth(&config, 3);
        let options = GenerateOptions { depth, ..options(PROMPT, 40, 0.0) };
        for part in pulled(&*run, &options, &[1, 3, 36], true) {
            let trace = part.trace.unwrap();
            assert_eq!(trace.tokens[0], part.tokens);
            assert_eq!(trace.steps[depth - 1].argmax[0], part.tokens);
        }
    }
}

/// The pieces of the tokens are the text, also where a character takes several tokens.
#[test]
fn every_token_has_its_piece_of_the_text() {
    let text = "é日本🍐ü ".repeat(30);
    let mut config = tiny();
    config.data.tokenizer = Tokenizer::Byte;
    config.data.val_fraction = 0.0;
    config.train.max_iters = 400;
    config.train.learning_rate = 1e-2;
    let corpus = trm_data::TextDataset::from_spec(&config.data, &text, None).unwrap();
    let device = burn::tensor::Device::flex();
    let mut run = trm_train::create(&config, corpus, &device).unwrap();
    assert!((0..40).any(|_| wait(run.steps(10)).unwrap().last().unwrap().loss < 0.05));
    // Pulls that end inside a character.
    for sizes in [vec![60], vec![1; 60], vec![7; 9]] {
        let parts = pulled(&*run, &options("é", 60, 0.0), &sizes, false);
        for part in &parts {
            assert_eq!(part.pieces.len(), part.tokens.len());
            assert_eq!(part.pieces.concat(), part.text);
        }
        let pieces: Vec<String> = parts.iter().flat_map(|part| part.pieces.clone()).collect();
        let tokens: Vec<u32> = parts.iter().flat_map(|part| part.tokens.clone()).collect();
        assert_eq!(pieces.concat(), trm_data::decode(&run.summary().vocab, &tokens));
        let pear = pieces.iter().position(|piece| piece == "🍐").expect("a learned character");
        assert_eq!(pieces[pear - 3..pear], ["", "", ""]);
    }
}

/// The most probable text, written from the cache, is that of the model which reads the
/// whole row; and a draft shows the same tokens.
#[test]
fn greedy_text_is_the_argmax_of_the_whole_row() {
    for config in honest() {
        let mut run = start(&config);
        wait(run.steps(10)).unwrap();
        let depth = depth(&config, 2);
        let writer = run.writer().unwrap();
        let options = GenerateOptions { depth, ..options("T", 12, 0.0) };
        let prompt = writer.encode("T").unwrap();
        let written = wait(writer.generate(&options).unwrap().pull(12, true)).unwrap();
        let mut text = [prompt.clone(), written.tokens.clone()].concat();
        text.truncate(config.model.length());
        let request = TraceRequest { tokens: vec![text.clone()], depth, ..Default::default() };
        let whole = wait(run.trace(&request)).unwrap();
        let best = &whole.steps[depth - 1].argmax[0];
        assert_eq!(best[..text.len() - 1], text[1..], "{}", config.model.name());
        // The trace of the written tokens: what was drawn is the best of the last cycle.
        let trace = written.trace.unwrap();
        assert_eq!(trace.steps[depth - 1].argmax[0], written.tokens, "{}", config.model.name());
        let request = TraceRequest { tokens: vec![prompt], depth, ..Default::default() };
        let draft = wait(writer.draft(&request)).unwrap();
        let drafted = &draft.steps[depth - 1].argmax[0];
        let count = drafted.len().min(written.tokens.len());
        assert_eq!(drafted[..count], written.tokens[..count], "{}", config.model.name());
    }
}

/// Drafting with a few cycles changes no token of the most probable text, past the end of the
/// block too, and however it is pulled and traced.
#[test]
fn drafted_text_is_the_text_of_plain_generation() {
    let mut drafting = 0;
    for config in honest() {
        let mut run = start(&config);
        wait(run.steps(10)).unwrap();
        let depth = depth(&config, 4);
        let plain = GenerateOptions { depth, ..options(PROMPT, 90, 0.0) };
        let expected = pulled(&*run, &plain, &[90], false).remove(0);
        for draft_depth in 1..depth {
            let drafted = GenerateOptions { draft_depth, ..plain.clone() };
            if run.writer().unwrap().generate(&drafted).is_err() {
                continue;
            }
            drafting += 1;
            for (sizes, trace) in [(&[90][..], false), (&[1; 90], false), (&[7; 13], true)] {
                let mut stream = run.writer().unwrap().generate(&drafted).unwrap();
                let pull = |(i, size): (usize, &usize)| {
                    wait(stream.pull(*size, trace && i % 2 == 0)).unwrap()
                };
                let parts: Vec<Generated> = sizes.iter().enumerate().map(pull).collect();
                let tokens: Vec<u32> = parts.iter().flat_map(|part| part.tokens.clone()).collect();
                assert_eq!(tokens, expected.tokens, "{} {draft_depth}", config.model.name());
                let text: String = parts.iter().map(|part| part.text.as_str()).collect();
                assert_eq!(text, expected.text);
                assert!(parts.last().unwrap().done);
            }
        }
    }
    assert!(drafting >= 6, "{drafting} kinds of drafts were tried");
}

/// The second token of a drafted text is drawn with the probabilities of the whole depth, not
/// with those of the draft.
#[test]
fn drafted_tokens_have_the_distribution_of_the_whole_depth() {
    const TEXTS: usize = 4000;
    let mut run = start(&tiny());
    wait(run.steps(150)).unwrap();
    let (writer, size) = (run.writer().unwrap(), run.summary().vocab.size());
    let prompt = writer.encode(PROMPT).unwrap();
    // Probabilities of the token after each row.
    let next = |rows: Vec<Vec<u32>>, depth| {
        let request = TraceRequest { tokens: rows, depth, top: size, ..TraceRequest::default() };
        let trace = wait(run.trace(&request)).unwrap();
        let last = trace.steps[depth - 1].top.iter().map(|row| row.last().unwrap());
        let spread = |top: &Vec<Candidate>| {
            let mut probs = vec![0.0; size];
            top.iter().for_each(|c| probs[c.token as usize] = f64::from(c.prob));
            probs
        };
        last.map(spread).collect::<Vec<Vec<f64>>>()
    };
    let second = |depth| {
        let first = next(vec![prompt.clone()], depth).remove(0);
        let rows = (0..size as u32).map(|token| [&prompt[..], &[token]].concat()).collect();
        let after = next(rows, depth);
        let share = |token: usize| first.iter().zip(&after).map(|(p, row)| p * row[token]).sum();
        (0..size).map(share).collect::<Vec<f64>>()
    };
    let distance =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0;
    let (whole, draft) = (second(3), second(1));
    let mut drawn = vec![0.0; size];
    let (mut drafted, mut kept) = (0, 0);
    for seed in 0..TEXTS as u32 {
        let options = GenerateOptions { draft_depth: 1, seed, ..options(PROMPT, 4, 1.0) };
        let mut stream = writer.generate(&options).unwrap();
        let text = wait(stream.pull(4, false)).unwrap();
        drawn[text.tokens[1] as usize] += 1.0 / TEXTS as f64;
        let (all, good) = stream.drafted();
        (drafted, kept) = (drafted + all, kept + good);
    }
    assert!(drafted >= 3 * TEXTS && kept > drafted / 10 && kept < drafted, "{kept} of {drafted}");
    let (found, other) = (distance(&drawn, &whole), distance(&draft, &whole));
    assert!(other > 0.15, "the draft's own distribution is only {other} away");
    assert!(
        found < 0.06,
        "{found} from the whole depth, {} from the draft",
        distance(&drawn, &draft)
    );
}

/// What cannot be drafted says why.
#[test]
fn drafts_that_cannot_be_are_refused() {
    for config in honest() {
        let run = start(&config);
        let writer = run.writer().unwrap();
        let depth = depth(&config, 3);
        let refused = |draft_depth| {
            let options = GenerateOptions { depth, draft_depth, ..options(PROMPT, 5, 1.0) };
            writer.generate(&options).err().map(|failure| failure.message)
        };
        let message = refused(depth).expect("as deep as the text itself");
        let expected = match &config.model {
            VariantSpec::ChatTrm(_) | VariantSpec::TrmLm(_) => {
                assert_eq!(refused(depth - 1), None);
                format!("the draft depth {depth} is not below the depth {depth}")
            }
            other => {
                format!("a `{}` model cannot draft tokens with its first cycles", other.name())
            }
        };
        assert_eq!(message, expected);
    }
}

/// Makes the first weight of a model NaN.
struct Break {
    done: bool,
}

impl ModuleMapper for Break {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if std::mem::replace(&mut self.done, true) {
            return param;
        }
        param.map(|old| {
            let (shape, device) = (old.dims(), old.device());
            let mut numbers: Vec<f32> = old.without_autodiff().into_data().try_into_vec().unwrap();
            numbers[0] = f32::NAN;
            let new = Tensor::from_data(TensorData::new(numbers, shape), &device);
            if new.is_autodiff() { new.require_grad() } else { new }
        })
    }
}

/// A token could be picked from them, but would mean nothing.
#[test]
fn logits_that_are_no_numbers_are_an_error() {
    let config = tiny();
    let VariantSpec::ChatTrm(spec) = &config.model else { unreachable!() };
    let fresh = |device: &Device| ChatTrm::new(spec, 256, &mut Init::new(5, device));
    let plain = fresh(&Device::flex());
    let broken = plain.clone().map(&mut Break { done: false });
    for (draft_depth, trace) in [(0, false), (0, true), (1, false)] {
        let options = GenerateOptions { draft_depth, ..options("", 9, 1.0) };
        let stream = |model: &ChatTrm| {
            let prompt = vec![u32::from(b'T')];
            Generation::new(model.clone(), &Vocab::Byte, prompt, &options, Overflow::Half)
        };
        assert!(wait(stream(&plain).pull(5, trace)).is_ok());
        let mut stream = stream(&broken);
        let failure = wait(stream.pull(5, trace)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Diverged);
        assert!(failure.message.contains("NaN") && !failure.hint.is_empty(), "{failure}");
        let after = wait(stream.pull(5, trace)).unwrap();
        assert!(after.done && after.tokens.is_empty(), "the text is over");
    }

    let request =
        TraceRequest { tokens: vec![vec![u32::from(b'T')]], depth: 3, ..TraceRequest::default() };
    let draft = |model: ChatTrm| {
        let task = LanguageTask::<ChatTrm>::new(3, &config.train);
        let run = TrainRun::new(config.clone(), Vocab::Byte, None, model, task);
        wait(run.as_writer().unwrap().draft(&request))
    };
    let trained = fresh(&Device::flex().autodiff());
    assert!(draft(trained.clone()).is_ok());
    let failure = draft(trained.map(&mut Break { done: false })).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Diverged);
}
