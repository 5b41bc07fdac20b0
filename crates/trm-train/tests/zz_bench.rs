use burn::tensor::Device;
use std::time::Instant;
use trm_data::Corpus;
use trm_spec::*;
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("wait"),
    }
}
#[test]
fn bench() {
    let text: String = (0..60000).map(|i: usize| char::from(b' ' + ((i * i + i / 3) % 65) as u8)).collect();
    for (d, h, block, batch, n) in [(128, 4, 64, 12, 20), (384, 6, 256, 8, 4)] {
        let mut c = RunConfig::default();
        c.model = VariantSpec::Causal(CausalSpec { hidden_size: d, num_heads: h, block_size: block, ..Default::default() });
        c.train.batch_size = batch;
        let mut run = trm_train::create(&c, Corpus::from_text("x", &text, 0.1).unwrap(), &Device::flex()).unwrap();
        wait(run.steps(2)).unwrap();
        let mut times = vec![];
        trm_kernels::profile::take();
        for _ in 0..n {
            let t = Instant::now();
            wait(run.steps(1)).unwrap();
            times.push(t.elapsed().as_secs_f64() * 1e3);
        }
        let p = trm_kernels::profile::take();
        times.sort_by(f64::total_cmp);
        println!("{d}: median {:.1} ms min {:.1}; linear {:.1} attention {:.1} params {}", times[times.len() / 2], times[0], p.linear_ns as f64 / 1e6 / n as f64, p.attention_ns as f64 / 1e6 / n as f64, run.summary().parameters);
        let o = GenerateOptions { prompt: String::new(), depth: 2, temperature: 1.0, top_k: 0, seed: 1, max_new_tokens: 500 };
        let mut s = run.generate(&o).unwrap();
        for k in 0..4 { let t = Instant::now(); wait(s.pull(60)).unwrap(); println!("  gen {k}: {:.1} tok/s", 60.0 / t.elapsed().as_secs_f64()); }
        let t = Instant::now(); let l = wait(run.evaluate(&[1, 2], 0)).unwrap(); println!("  eval {:?} {:.2}s", l[0].loss, t.elapsed().as_secs_f64());
    }
}
