using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// The tensors of a model's text part by the names of its published checkpoints without prefix, e.g. <c>layers.0.mlp.up_proj.weight</c>,
/// whatever file they lie in. Remembers what was asked for, so that a tensor of a layer which nobody used is found (METHODS §1.3).
/// </summary>
internal abstract class ModelTensors : IDisposable
{
    /// <summary>The file, index or folder, for messages.</summary>
    public abstract string Path { get; }

    /// <summary>What is to be added to a stored gain: the norms of most models multiply by 1 + the checkpoint's weight.</summary>
    public abstract float GainOffset(GemmaConfig config);

    /// <summary>Where the sizes stand that a tensor must fit.</summary>
    public abstract string Sizes { get; }

    /// <summary>Stored names of heads that lie beside the embedding table.</summary>
    public abstract IEnumerable<string> Heads { get; }

    /// <summary>Stored names of all tensors of the text part.</summary>
    public abstract IEnumerable<string> All { get; }

    /// <summary>The stored name of a tensor, which from now on counts as used.</summary>
    public abstract string Stored(string name);

    /// <summary>Lets a tensor pass that the model does not use, if there is one.</summary>
    public abstract void Ignore(string name);

    /// <summary>A tensor by its stored name.</summary>
    public abstract Tensor Get(string stored);

    /// <summary>The file of a tensor.</summary>
    public abstract string FileOf(string stored);

    /// <summary>Whether a matrix may have a type.</summary>
    public abstract bool Takes(DType type);

    /// <summary>Refuses a tensor of a layer that was not used: a bias, a norm, or a whole layer that the config does not know of.</summary>
    public abstract void RequireAllUsed(GemmaConfig config);

    /// <inheritdoc cref="IMappedFiles.RequireWhole"/>
    public abstract void RequireWhole();

    public abstract void Dispose();
}
