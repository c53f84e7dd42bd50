/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_TPM2_DEVICE_H
#define KEYSTORE_TPM2_DEVICE_H

/*
 * A conversation with a TPM through libtss2. Its libraries print what they like, and leave secrets
 * in freed memory: only the child of tpm2_process.c comes here.
 */

#include "keystore/tpm2.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

/* X(library, function), for the libraries of tpm2_device.c */
#define TPM2_CALLS(X)                     \
    X(ESYS, Esys_Create)                  \
    X(ESYS, Esys_CreatePrimary)           \
    X(ESYS, Esys_Finalize)                \
    X(ESYS, Esys_FlushContext)            \
    X(ESYS, Esys_Free)                    \
    X(ESYS, Esys_GetCapability)           \
    X(ESYS, Esys_Initialize)              \
    X(ESYS, Esys_Load)                    \
    X(ESYS, Esys_PCR_Read)                \
    X(ESYS, Esys_PolicyAuthValue)         \
    X(ESYS, Esys_PolicyGetDigest)         \
    X(ESYS, Esys_PolicyPCR)               \
    X(ESYS, Esys_ReadPublic)              \
    X(ESYS, Esys_StartAuthSession)        \
    X(ESYS, Esys_TRSess_SetAttributes)    \
    X(ESYS, Esys_TR_Close)                \
    X(ESYS, Esys_TR_FromTPMPublic)        \
    X(ESYS, Esys_TR_GetName)              \
    X(ESYS, Esys_TR_SetAuth)              \
    X(ESYS, Esys_Unseal)                  \
    X(MU, Tss2_MU_TPM2B_PUBLIC_Marshal)   \
    X(MU, Tss2_MU_TPM2B_PUBLIC_Unmarshal) \
    X(TCTI_LOADER, Tss2_TctiLdr_Finalize) \
    X(TCTI_LOADER, Tss2_TctiLdr_Initialize)

struct tpm2_calls {
#define TPM2_CALL_MEMBER(library, function) __typeof__(function) *function;
    TPM2_CALLS(TPM2_CALL_MEMBER)
#undef TPM2_CALL_MEMBER
};

/* All handles are ESYS_TR_NONE where there is nothing to flush. */
struct tpm2_device {
    struct tpm2_calls call;
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    ESYS_TR parent;         /* the storage key */
    bool parent_persistent; /* it stays in the TPM */
    ESYS_TR session;
    ESYS_TR object; /* what is sealed */
};

/* The libraries stay loaded until the process ends. */
PACK_MUST_USE int tpm2_device_open(struct tpm2_device *device, const char *tcti,
                                   struct pack_error *error);
/* Flushes all that was loaded. */
void tpm2_device_close(struct tpm2_device *device);
void tpm2_device_flush(struct tpm2_device *device, ESYS_TR *handle);

/* What rc says without the number of the handle, parameter or session that it concerns. */
TSS2_RC tpm2_plain_code(TSS2_RC rc);
/* The failure that rc stands for; `what` was being done ("seal"). */
int tpm2_fail(struct pack_error *error, TSS2_RC rc, const char *what);
/* A property of the TPM, 0 where it does not say. */
uint32_t tpm2_property(struct tpm2_device *device, TPM2_PT property);

#endif
