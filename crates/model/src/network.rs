//! The network: token ids in, one number for each label out.

use crate::config::{Activation, unusable};
use crate::error::{ClassifyError, LoadError};
use rten::{Dimension, Model, NodeId, RunOptions, ThreadPool};
use rten_tensor::{AsView, NdTensor, Tensor};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokenizers::Encoding;

/// LIMIT: bytes of `model.onnx`.
const MODEL_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// What an input of the network is fed with.
#[derive(Clone, Copy, Debug)]
enum Feed {
    Ids,
    Mask,
    Types,
}

pub(crate) struct Network {
    model: Model,
    inputs: Vec<(NodeId, Feed)>,
    output: NodeId,
    /// The only length that the network takes, if it does not take every one.
    pub(crate) length: Option<usize>,
    /// Pools of one thread that nobody uses: with one for each call, calls do not wait for each
    /// other, and another number of threads could add up in another order.
    idle: Mutex<Vec<Arc<ThreadPool>>>,
}

// === impl Network ===

impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Network")
            .field("inputs", &self.inputs)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Network {
    pub(crate) fn load(path: &Path) -> Result<Self, LoadError> {
        let size = std::fs::metadata(path).map_err(|source| LoadError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        if size.len() > MODEL_BYTES_MAX {
            return Err(LoadError::TooLong {
                path: path.to_owned(),
                limit: MODEL_BYTES_MAX,
            });
        }
        let model = guarded(|| Model::load_file(path))
            .map_err(|reason| unusable(path, reason))?
            .map_err(|error| unusable(path, error.to_string()))?;
        let mut inputs = Vec::new();
        let mut length = None;
        for id in model.input_ids() {
            let input = model.node_info(*id);
            let name = input.as_ref().and_then(rten::NodeInfo::name);
            let feed = match name.unwrap_or_default() {
                "input_ids" => Feed::Ids,
                "attention_mask" => Feed::Mask,
                "token_type_ids" => Feed::Types,
                other => return Err(unusable(path, format!("its input `{other}` is not known"))),
            };
            if let Some([_, Dimension::Fixed(fixed)]) =
                input.and_then(|input| input.shape()).as_deref()
            {
                length = Some(*fixed);
            }
            inputs.push((*id, feed));
        }
        let named = model.find_node("logits");
        let output = named
            .filter(|id| model.output_ids().contains(id))
            .or_else(|| model.output_ids().first().copied())
            .ok_or_else(|| unusable(path, "it has no output"))?;
        Ok(Self {
            model,
            inputs,
            output,
            length,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// The scores of one window for `labels` labels.
    pub(crate) fn scores(
        &self,
        window: &Encoding,
        labels: usize,
        activation: Activation,
    ) -> Result<Vec<f64>, ClassifyError> {
        let mut inputs = Vec::new();
        for (id, feed) in &self.inputs {
            let values = match feed {
                Feed::Ids => window.get_ids(),
                Feed::Mask => window.get_attention_mask(),
                Feed::Types => window.get_type_ids(),
            };
            let values: Result<Vec<i32>, _> = values.iter().map(|id| i32::try_from(*id)).collect();
            let values = values.map_err(|error| ClassifyError::Network(error.to_string()))?;
            let tensor = NdTensor::from_data([1, values.len()], values);
            inputs.push((*id, tensor.into()));
        }
        let idle = self.idle().pop();
        let threads = idle.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1)));
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&threads)));
        let run = || self.model.run(inputs, &[self.output], Some(options));
        let ran = guarded(run);
        self.idle().push(threads);
        let outputs = ran
            .map_err(ClassifyError::Network)?
            .map_err(|error| ClassifyError::Network(error.to_string()))?;
        let output = outputs
            .into_iter()
            .next()
            .and_then(|output| Tensor::<f32>::try_from(output).ok())
            .ok_or_else(|| ClassifyError::Network("its output is no list of numbers".to_owned()))?;
        let numbers: Vec<f64> = output.iter().map(|number| f64::from(*number)).collect();
        if numbers.len() != labels || !numbers.iter().all(|number| number.is_finite()) {
            return Err(ClassifyError::Network(format!(
                "its output has {} numbers for {labels} labels, or no numbers",
                numbers.len()
            )));
        }
        Ok(activation.apply(&numbers))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Arc<ThreadPool>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A panic of the runtime or the tokenizer is a failure of one call, not of the process.
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| "it panicked".to_owned())
}

// === impl Activation ===

impl Activation {
    fn apply(self, numbers: &[f64]) -> Vec<f64> {
        match self {
            Activation::Sigmoid => numbers.iter().map(|it| 1.0 / (1.0 + (-it).exp())).collect(),
            Activation::Softmax => {
                let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = numbers.iter().map(|it| (it - most).exp()).collect();
                let sum: f64 = powers.iter().sum();
                powers.iter().map(|it| it / sum).collect()
            }
        }
    }
}
