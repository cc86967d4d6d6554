using System.Text.Json.Serialization;

namespace GemmaScope.Dictionaries;

/// <summary>What a dictionary reads and writes.</summary>
public enum DictionaryKind
{
    /// <summary>Sparse autoencoder: reconstructs the site it reads.</summary>
    Sae,

    /// <summary>Reads the input of an MLP and predicts its output (METHODS §2.4).</summary>
    Transcoder,

    /// <summary>A transcoder with a linear path from its input to its output beside the features (METHODS §4.2).</summary>
    SkipTranscoder,

    /// <summary>Reads and writes the residual stream at several layers, each feature from its own layer on (METHODS §4.3).</summary>
    Crosscoder,

    /// <summary>Reads every layer's MLP input and predicts every layer's MLP output, each feature from its own layer on (METHODS
    /// §4.4).</summary>
    [JsonStringEnumMemberName("clt")]
    CrossLayerTranscoder,
}

/// <summary>How features follow from z = x · W_enc + b_enc (METHODS §2.3, §2.8).</summary>
public enum ActivationFunction
{
    /// <summary>f = max(z, 0).</summary>
    Relu,

    /// <summary>f = z where z is above the feature's threshold, else 0.</summary>
    JumpRelu,

    /// <summary>A gate decides which features fire, a second affine map how strongly.</summary>
    Gated,

    /// <summary>f = max(z, 0) of the k largest z of a row.</summary>
    TopK,
}
