//! `ask`: answers to a question, at one depth or several.

use std::io::Write;

use anyhow::Context;
use pollster::block_on;
use trm_spec::Family;
use trm_train::AskRequest;

use crate::args;
use crate::commands::model_family;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device;
use crate::run_dir::read_checkpoint;
use crate::terminal::count::counted;
use crate::terminal::output::{print, print_json};

/// Runs the command.
///
/// # Errors
/// If the checkpoint is no question model's, its base is missing, or the question cannot be
/// answered.
pub fn run(typed: &args::Ask) -> anyhow::Result<()> {
    let (header, bytes) = read_checkpoint(&typed.checkpoint)?;
    model_family::expect(&typed.checkpoint, &header, "ask", &[Family::Questions])?;
    let base = BaseOnDisk::needed(&header, &typed.checkpoint, typed.base.as_deref())?;
    let device = device::open(typed.device)?;
    let file = base.as_ref().map(BaseOnDisk::file);
    let run = trm_train::load_on(&bytes, None, None, file, &device.device)
        .with_context(|| typed.checkpoint.display().to_string())?;
    let depths = typed.depths.clone().unwrap_or_else(|| vec![header.config.model.depth()]);
    let request = AskRequest {
        question: typed.question.clone(),
        depths: depths.clone(),
        halt_threshold: typed.halt_threshold,
        max_new_tokens: typed.max_new_tokens,
    };
    let mut shown = None;
    // Of each answer, what came before its first visible character.
    let mut blank = vec![String::new(); depths.len()];
    let mut stdout = std::io::stdout();
    let answered = block_on(run.answerer()?.ask(&request, &mut |answer, text| {
        if typed.json {
            return;
        }
        let visible = if shown == Some(answer) { text } else { text.trim_start() };
        if visible.is_empty() {
            blank[answer] += text;
            return;
        }
        let start = match shown.replace(answer) {
            Some(before) if before == answer => String::new(),
            before => {
                let end = if before.is_some() { "\n" } else { "" };
                format!("{end}depth {:3}  ", depths[answer])
            }
        };
        // A closed pipe is reported by the lines that follow.
        let _ = write!(stdout, "{start}{visible}").and_then(|()| stdout.flush());
    }))?;
    if typed.json {
        return print_json(&answered);
    }
    if shown.is_some() {
        print("")?;
    }
    for (answer, blank) in answered.answers.iter().zip(&blank) {
        if answer.tokens.is_empty() {
            print(&format!("depth {:3}  (the model ends the answer at once)", answer.depth))?;
        } else if answer.text.is_empty() {
            print(&format!("depth {:3}  {blank:?}", answer.depth))?;
        }
        if !answer.ended && !answer.tokens.is_empty() {
            print(&format!(
                "depth {:3}  cut off after {} (--max-new-tokens)",
                answer.depth,
                counted(answer.tokens.len(), "tokens")
            ))?;
        }
    }
    print(&format!("<think> follows the question with {:.1} %", answered.think * 100.0))?;
    if !answered.halt.is_empty() {
        let halt: Vec<_> =
            answered.halt.iter().map(|chance| format!("{:.1} %", chance * 100.0)).collect();
        let untrained = header.config.train.halt_loss_weight == 0.0;
        let note = if untrained { " (not trained: halt_loss_weight was 0)" } else { "" };
        print(&format!("halting after each step: {}{note}", halt.join(", ")))?;
    }
    Ok(())
}
