using GemmaScope.Dictionaries;

namespace GemmaScope.Behaviour;

/// <summary>How a feature is turned up, down or off (METHODS §6.5). v is its decoder vector, r = v / ‖v‖, f its activation, c the
/// strength.</summary>
public enum SteeringMode
{
    /// <summary>x + c v.</summary>
    Add,

    /// <summary>x + c r.</summary>
    AddUnit,

    /// <summary>x + (c − f(x)) v: the feature has this activation, and what the dictionary does not explain stays.</summary>
    Clamp,

    /// <summary>x − f(x) v: clamped to 0.</summary>
    Ablate,

    /// <summary>x − (x · r) r: nothing along the direction is left at the site.</summary>
    Directional,

    /// <summary>The same at every block input and on all that attention and MLPs add, after their post-norms: nothing along the direction
    /// is left in the residual stream.</summary>
    Everywhere,

    /// <summary>(I − P) x + c P x, where P projects on the span of the features.</summary>
    Orthogonal,

    /// <summary>x − max(0, x · r − c) r: no more than this along the direction.</summary>
    Cap,

    /// <summary>y ‖x‖ / ‖y‖ with y = x + c v.</summary>
    NormMatched,
}

/// <summary>A feature that is steered.</summary>
/// <param name="Dictionary">Its dictionary, which reads one site and writes one.</param>
/// <param name="Feature">The feature.</param>
/// <param name="Strength">c of the mode; where the mode has none it is not looked at.</param>
public sealed record SteeredFeature(SparseDictionary Dictionary, int Feature, double Strength = 0);

/// <summary>At which positions it is steered. BOS is left alone unless asked for.</summary>
public enum SteeredPositions
{
    /// <summary>Those of the prompt and those that are generated.</summary>
    All,

    /// <summary>From the prompt's last token on: the first token that is generated feels it too.</summary>
    FromLast,

    /// <summary>Those that are generated; the first of them is chosen before it acts.</summary>
    Generated,
}
