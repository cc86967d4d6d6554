using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// Trains a dictionary step by step. Parameters are f32 in own memory; the batch and everything that grows with it belongs to the
/// step. One thread at a time may use a trainer, whose work is shared by all workers. The same seed and data give the same bits
/// on any number of threads.
/// </summary>
public abstract class DictionaryTrainer : IDisposable
{
    private protected DictionaryTrainer(Recipe recipe, TrainerShape shape) => (Recipe, Shape) = (recipe, shape);

    /// <summary>The hyper-parameters.</summary>
    public Recipe Recipe { get; }

    /// <summary>Widths and features.</summary>
    public TrainerShape Shape { get; }

    /// <summary>Steps done.</summary>
    public abstract long Step { get; }

    /// <summary>Rows trained on.</summary>
    public abstract long Tokens { get; }

    /// <summary>
    /// All that a checkpoint must store: parameters, moments and counters. The tensors are the trainer's own memory: a trainer of the same recipe
    /// and shape continues bit for bit once their bytes are copied into its own.
    /// </summary>
    public abstract IEnumerable<(string Name, Tensor Tensor)> State { get; }

    /// <summary>A trainer with fresh parameters.</summary>
    /// <param name="recipe">The hyper-parameters.</param>
    /// <param name="shape">Widths and features.</param>
    /// <param name="seed">Decides the first parameters.</param>
    /// <exception cref="ArgumentProblemException">The recipe contradicts itself or does not fit the shape.</exception>
    public static DictionaryTrainer Create(Recipe recipe, TrainerShape shape, ulong seed) => throw new NotImplementedException();

    /// <summary>Sets what begins from data (b_dec, if the recipe says so). Call it before the first step with a few thousand rows, or not at all.</summary>
    /// <param name="y">[rows, <see cref="TrainerShape.OutputWidth"/>] targets, divided by their scale.</param>
    public abstract void Prepare(MatrixView y);

    /// <summary>One optimiser step.</summary>
    /// <param name="x">[rows, <see cref="TrainerShape.InputWidth"/>] inputs, divided by their scale; of several layers side by side.</param>
    /// <param name="y">[rows, <see cref="TrainerShape.OutputWidth"/>] targets, divided by theirs; x again for an autoencoder.</param>
    /// <exception cref="ArgumentProblemException">Rows or widths do not fit, or the loss is no longer finite.</exception>
    public abstract StepReport Train(MatrixView x, MatrixView y);

    /// <summary>The dictionary learned so far, with a copy of its parameters folded to raw activations (METHODS §2.3).</summary>
    /// <param name="name">Its name.</param>
    /// <param name="inputScales">The scale of each input layer: what its rows were divided by.</param>
    /// <param name="outputScales">The scale of each output layer.</param>
    /// <param name="inputs">The sites it reads; empty if not known.</param>
    /// <param name="outputs">The sites it writes.</param>
    public abstract SparseDictionary ToDictionary(
        string name, IReadOnlyList<double> inputScales, IReadOnlyList<double> outputScales, IReadOnlyList<Site> inputs, IReadOnlyList<Site> outputs);

    /// <summary>Frees parameters and moments.</summary>
    public abstract void Dispose();
}
